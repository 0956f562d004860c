/** Checks whether this host implements the version of the contract that an application requires. */

import { ltr, satisfies, validRange } from 'semver';
import { CONTRACT_VERSION } from '../../core/app/contract/push-app.js';

/** A package, for messages: `weather-app 2.0.0`. */
export interface NamedPackage {
  readonly folder: string;
  readonly name?: string;
  readonly version?: string;
}

export function packageLabel({ name, version, folder }: NamedPackage): string {
  return [name ?? folder, version].join(' ').trim();
}

/**
 * The problem with the contract versions of a package; undefined if this host's version is in the range.
 * @param file its package.json.
 */
export function contractProblem(range: string, named: NamedPackage, file: string): string | undefined {
  if (validRange(range) === null) {
    return `${file}: "sipPush.contract": "${range}" is not a valid version range: expected e.g. "^${CONTRACT_VERSION}"`;
  }
  if (satisfies(CONTRACT_VERSION, range)) return undefined;
  const what = named.name ?? 'the package';
  const change = ltr(CONTRACT_VERSION, range)
    ? `install an earlier version of ${what}, or a later one of sip-push`
    : `install a later version of ${what}, or an earlier one of sip-push`;
  return `${packageLabel(named)} is for contract ${range}, this host has ${CONTRACT_VERSION}: ${change}`;
}
