/** Test suites that need a third-party program. They are skipped, with the reason, if it is not installed. */

import { describe } from 'vitest';
import { findCommand, missingParts, type Peer } from '../../../.ci/peers.mjs';

/**
 * `describePeer('kamailio', 'a device registers', () => { … })`. Pass several peers as a list. If CI=true, no suite is
 * skipped: it fails if the program is missing.
 */
export function describePeer(peers: Peer | readonly Peer[], title: string, suite: () => void): void {
  const missing = [peers].flat().flatMap((peer) => missingParts(peer));
  if (missing.length === 0 || process.env.CI === 'true') {
    describe(title, suite);
    return;
  }
  const reason = `no ${missing.join(', ')} on this machine`;
  process.stderr.write(`skipped: ${title}: ${reason}\n`);
  describe.skip(`${title} (${reason})`, suite);
}

/** The path of a peer's program. */
export function peerCommand(name: string): string {
  const path = findCommand(name);
  if (path === undefined)
    throw new Error(`${name} is not installed: run npm test as root, which installs it`);
  return path;
}
