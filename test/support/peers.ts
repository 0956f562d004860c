/** Suites that need a real program: run where it is installed, skipped with the reason where it is not. */

import { describe } from 'vitest';
import { findCommand, missingParts, type Peer } from '../../.ci/peers.mjs';

/**
 * `describePeer('kamailio', 'a device registers', () => { … })`. Several peers are given as a list. Under CI=true
 * nothing is skipped: there the suite runs, and fails for want of the program.
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
  if (path === undefined) throw new Error(`${name} is not installed; npm test installs it where it may`);
  return path;
}
