/** What a package says of an application ahead of its module, and whether the module agrees. */

import { ConfigurationError } from '../errors.js';
import { canonicalIari } from './communication-service.js';
import { canonicalEventAppId } from './event-app-id.js';
import type { Manifest } from './manifest.js';

/** As in the package.json of the application (`sipPush.apps`). */
export interface StaticManifest {
  readonly id: string;
  readonly accepts: readonly string[];
  readonly iari?: string;
}

/** @throws ConfigurationError naming the application, and what differs. */
export function requireAgreement(said: StaticManifest, manifest: Manifest): void {
  const { eventAppId, accepts, iari } = manifest;
  const differing: [name: string, said: string, is: string][] = [
    ['id', canonicalEventAppId(said.id), eventAppId],
    ['accepts', listed(said.accepts), listed(accepts)],
    ['iari', said.iari === undefined ? 'none' : canonicalIari(said.iari), iari ?? 'none'],
  ];
  const found = differing.find(([, one, other]) => one !== other);
  if (!found) return;
  const [name, one, other] = found;
  throw new ConfigurationError(
    `${canonicalEventAppId(said.id)}: ${name} is ${one} in its package.json, and ${other} in its module; write the same in "sipPush.apps" and in definePushApp`,
  );
}

function listed(types: readonly string[]): string {
  return [...types].sort().join(', ');
}
