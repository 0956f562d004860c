/** How much a suite does: `npm run test:full` runs the same suites with larger numbers. */

export const FULL = process.env.SIP_PUSH_FULL === '1';

export function scale(normal: number, full: number): number {
  return FULL ? full : normal;
}
