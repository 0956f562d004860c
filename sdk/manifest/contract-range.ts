/** Checks whether this host implements the version of the contract that an application requires. */

import { satisfies, validRange } from 'semver';
import { CONTRACT_VERSION } from '../../core/app/contract/push-app.js';

/** The problem with a range of contract versions; undefined if this host's version is in the range. */
export function contractProblem(range: string): string | undefined {
  if (validRange(range) === null) {
    return `"${range}" is not a valid version range: expected e.g. "^${CONTRACT_VERSION}"`;
  }
  if (satisfies(CONTRACT_VERSION, range)) return undefined;
  return `it requires version ${range} of the contract, but this host has ${CONTRACT_VERSION}: install another version of the application or of sip-push`;
}
