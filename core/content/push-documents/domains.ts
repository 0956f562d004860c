/** Value tokens that SI, SL and CO share: ends of host names, with the slash behind them. */
export const DOMAINS: ReadonlyMap<number, string> = new Map([
  [0x85, '.com/'],
  [0x86, '.edu/'],
  [0x87, '.net/'],
  [0x88, '.org/'],
]);
