/** The probe of terminals observes the Retry-After of the core (9-04, RFC 3261 §21.5.4). */

import { expect, it } from 'vitest';
import { memoryContent } from '../../../core/content/content.js';
import { writeReginfo } from '../../../core/content/reginfo.js';
import type { SipRequest } from '../../../core/sip/message/message.js';
import { BOB, PSA, startSender } from '../../support/agents/agents.js';
import { request } from '../../support/sip/requests.js';
import { ScriptedCore } from '../../support/sip/scripted-core.js';

const PHONE = `${BOB};gr=urn:uuid:00000000-0000-4000-8000-000000000001`;
const content = memoryContent({ type: 'text/plain', parameters: {} }, Buffer.from('hello'));

/** A state with one contact, without instance and GRUU. */
function notify(subscribe: SipRequest, cseq: number): SipRequest {
  const contact = { id: 'c', uri: 'sip:bob@127.0.0.1:5080', parameters: new Map<string, string>() };
  const state = cseq === 1 ? ('active' as const) : ('terminated' as const);
  const event = cseq === 1 ? ('registered' as const) : ('unregistered' as const);
  const other = { ...contact, id: 'other', uri: 'sip:bob@127.0.0.1:5081' };
  const contacts = [
    { ...contact, state, event },
    { ...other, state: 'active' as const, event: 'registered' as const },
  ];
  const registrations = [{ aor: BOB, id: 'r', state: 'active' as const, contacts }];
  const body = writeReginfo({ version: cseq, state: 'full', registrations });
  const lines = [
    'Event: reg',
    'Subscription-State: active;expires=600',
    'Contact: <sip:registrar@127.0.0.1>',
    'Content-Type: application/reginfo+xml',
  ];
  const notified = request('NOTIFY', PSA, lines, body);
  notified.headers
    .set('From', `<${BOB}>;tag=registrar`)
    .set('To', subscribe.headers.get('From') ?? '')
    .set('Call-ID', subscribe.headers.get('Call-ID') ?? '')
    .set('CSeq', `${cseq} NOTIFY`);
  return notified;
}

it('9-04, 9-05: observes a 503 with Retry-After to any request', async () => {
  const core = await ScriptedCore.tcp();
  const sender = await startSender({ servers: [core.uri], watch: [BOB] });
  try {
    const { request: subscribe, respond } = await core.request('SUBSCRIBE');
    respond(200, [['Expires', '600']]);
    sender.directory.setRegistered(BOB, { gruu: PHONE });
    // The state of this terminal is unknown, so it is probed.
    await core.exchange(notify(subscribe, 1));
    const probe = await core.request('OPTIONS');
    expect(probe.request.uri).toBe(PHONE);
    probe.respond(503, [['Retry-After', '60']]);
    // The response to a later request shows that the sender has processed the NOTIFY.
    await core.exchange(request('OPTIONS', PSA));
    const push = { to: 'sip:al@domain.test', app: 'mms.ua', content };
    expect(await sender.send(push)).toMatchObject([
      { reason: expect.stringContaining('Retry-After: no request for another') },
    ]);
    await core.exchange(notify(subscribe, 2));
    await core.exchange(request('OPTIONS', PSA));
    expect(core.requests.map((each) => each.request.method)).toEqual(['SUBSCRIBE', 'OPTIONS']);
  } finally {
    const stopping = sender.stop();
    (await core.request('SUBSCRIBE')).respond(200);
    await stopping;
    await core.close();
  }
});
