/** Whether an application and this host keep to the same contract. */

import { satisfies, validRange } from 'semver';
import { CONTRACT_VERSION } from '../../core/app/contract/push-app.js';

/** What is wrong with a range of contract versions, and what to do; undefined where this host is within it. */
export function contractProblem(range: string): string | undefined {
  if (validRange(range) === null) {
    return `"${range}" is no range of versions; expected e.g. "^${CONTRACT_VERSION}"`;
  }
  if (satisfies(CONTRACT_VERSION, range)) return undefined;
  return `it is written for versions ${range} of the contract, this host has ${CONTRACT_VERSION}; install another version of it, or of sip-push`;
}
