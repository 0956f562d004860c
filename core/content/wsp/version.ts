/** Version-value: major in three bits, minor in four, of which 15 says that there is none (WAP-230 8.4.2.3). */

import { ConfigurationError } from '../../errors.js';

const NO_MINOR = 0x0f;

/** @param value of a short-integer, 0 to 127 */
export function formatVersion(value: number): string {
  const minor = value & 0x0f;
  return minor === NO_MINOR ? String(value >> 4) : `${value >> 4}.${minor}`;
}

/** @param text `1.2`, or `1` */
export function parseVersion(text: string): number {
  const match = /^([0-7])(?:\.(\d|1[0-4]))?$/.exec(text);
  if (!match) throw new ConfigurationError(`a version is MAJOR.MINOR up to 7.14, not "${text}"`);
  return (Number(match[1]) << 4) | (match[2] === undefined ? NO_MINOR : Number(match[2]));
}

/** The version of those who take everything. */
export const NEWEST = 0x7f;

/** Which version of the encoding brought which codes: those up to `last`, from the ones before on. */
export type VersionSteps = readonly (readonly [last: number, version: string])[];

/** Codes past the last step came later than any version with a number that is known here. */
export function sinceVersion(steps: VersionSteps, code: number): number {
  const step = steps.find(([last]) => code <= last);
  return step ? parseVersion(step[1]) : NEWEST;
}
