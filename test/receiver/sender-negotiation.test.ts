/** Capability delivery to one sender: a change during the answer is sent as well (TS 5.1-01). */

import { expect, it } from 'vitest';
import { SenderNegotiation } from '../../core/receiver/negotiation.js';
import { SipHeaders } from '../../core/sip/message/message.js';

const RESPONSE = { status: 200, reason: 'OK', headers: new SipHeaders(), body: new Uint8Array() };

it.each([0, 1, 2, 3, 4, 5, 6])(
  '5.1-01: a change %i turns after the answer leads to another OPTIONS',
  async (turns) => {
    let sent = 0;
    const negotiation = new SenderNegotiation({
      send: async () => {
        sent++;
        return RESPONSE;
      },
      registered: () => true,
      onNegotiated: () => {
        if (sent > 1) return;
        let change = Promise.resolve();
        for (let turn = 0; turn < turns; turn++) change = change.then(() => {});
        void change.then(() => negotiation.begin());
      },
      onFailed: () => {},
    });
    negotiation.begin();
    await expect.poll(() => sent).toBe(2);
    await negotiation.stop();
  },
);
