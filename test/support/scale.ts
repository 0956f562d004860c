/** How much a run does: `npm test`, `npm run test:slow`, or `npm run test:full`, which is both with larger numbers. */

export const SLOW = process.env.SIP_PUSH_TESTS === 'slow';
export const FULL = process.env.SIP_PUSH_TESTS === 'full';

export function scale(normal: number, full: number): number {
  return FULL ? full : normal;
}
