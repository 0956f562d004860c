/** The scale of a test run: `npm test`, `npm run test:slow`, or `npm run test:full`, which runs both with larger numbers. */

export const SLOW = process.env.SIP_PUSH_TESTS === 'slow';
export const FULL = process.env.SIP_PUSH_TESTS === 'full';

export function scale(normal: number, full: number): number {
  return FULL ? full : normal;
}
