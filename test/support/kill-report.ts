/** The counts of a kill test, printed as a row of the table of kills in `sdk/docs/promises.md`. */

const ENDS = ['host', 'sender'] as const;

export interface KillCounts {
  mode: 'pager' | 'session' | 'indirect';
  /** Kills (SIGKILL) by end. */
  kills: Partial<Record<(typeof ENDS)[number], number>>;
  /** Pushes that were accepted, by the receipts of their senders. */
  accepted: number;
  /** How often each of these pushes took effect. */
  effects: readonly number[];
}

export function printKills(test: string, { mode, kills, accepted, effects }: KillCounts): void {
  const delivered = effects.filter((times) => times > 0).length;
  const twice = effects.filter((times) => times > 1).length;
  const columns = [...ENDS.map((end) => kills[end] ?? 0), accepted, delivered, accepted - delivered, twice];
  console.log(`kills: | ${[test, mode, ...columns].join(' | ')} |`);
}
