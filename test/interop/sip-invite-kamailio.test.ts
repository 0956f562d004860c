/** Sessions between two of our agents through Kamailio, checked by tshark. */

import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Capture } from '../support/captures/tshark.js';
import { type Kamailio, startKamailio } from '../support/programs/kamailio.js';
import { describePeer } from '../support/programs/peers.js';
import { callSuite } from '../support/sip/call-suite.js';
import type { Closing } from '../support/sip/invites.js';

describePeer(['kamailio', 'tshark'], 'two agents and Kamailio', () => {
  let core: Kamailio;
  let capture: Capture;
  const closing: Closing = [];
  beforeAll(async () => {
    core = await startKamailio();
    capture = await Capture.start({ sip: [core.port] });
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  afterAll(async () => {
    await capture?.remove();
    await core?.stop();
  });

  callSuite(
    () => ({
      server: (transport) => core.server(transport),
      password: (user) => core.users[user],
      selectsDevices: false,
    }),
    closing,
  );

  it('tshark finds no malformed SIP', async () => {
    await capture.stop();
    const invites = await capture.fields('sip.Method == "INVITE"', ['sip.Call-ID']);
    expect(invites.length).toBeGreaterThan(10);
    expect(await capture.malformed()).toEqual([]);
  });
});
