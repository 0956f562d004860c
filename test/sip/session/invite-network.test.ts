/** Sessions between two of our agents over the embedded network. */

import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { type Network, startNetwork } from '../../../sdk/network/index.js';
import { callSuite } from '../../support/sip/call-suite.js';
import type { Closing } from '../../support/sip/invites.js';

const PASSWORDS = { bob: 'bob-password', psa: 'psa-password' };

describe('two agents and the embedded network', () => {
  let network: Network;
  const closing: Closing = [];
  beforeAll(async () => {
    network = await startNetwork({
      users: { bob: { password: PASSWORDS.bob }, psa: { password: PASSWORDS.psa } },
    });
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  afterAll(() => network?.close());

  callSuite(
    () => ({
      server: (transport) => network.uris[transport === 'udp' ? 0 : 1] ?? '',
      password: (user) => PASSWORDS[user],
      selectsDevices: true,
    }),
    closing,
  );
});
