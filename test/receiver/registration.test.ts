/** Registration of a Push Receiver Agent (TS 6.1), with answers that the test writes. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { PushRuntime } from '../../core/app/runtime.js';
import { createPushReceiver } from '../../core/host.js';
import type { ReceiverEvent } from '../../core/receiver/events.js';
import { PushReceiverAgent } from '../../core/receiver/receiver.js';
import { parseNameAddr } from '../../core/sip/values/name-addr.js';
import { BOB, PSA } from '../support/agents/agents.js';
import { countingApp } from '../support/agents/counting-app.js';
import { request } from '../support/sip/requests.js';
import { type Received, ScriptedCore } from '../support/sip/scripted-core.js';
import { until } from '../support/wait.js';

const INSTANCE = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
const PUBLIC_GRUU = `${BOB};gr=${INSTANCE}`;
const TEMPORARY_GRUU = 'sip:tgruu.7hs==jd7vnzga5w7fajsc7-ajd6fabz0f8g5@domain.test;gr';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A 200 with the requested Contact, and GRUUs of RFC 5627. */
function grant({ request: register, respond }: Received): void {
  const contact = register.headers.get('Contact') ?? '';
  respond(200, [['Contact', `${contact};pub-gruu="${PUBLIC_GRUU}";temp-gruu="${TEMPORARY_GRUU}"`]]);
}

const contactOf = ({ request: register }: Received) => parseNameAddr(register.headers.get('Contact') ?? '');
const tagOf = (received: Received) => contactOf(received)?.parameters.get('+g.oma.pusheventapp');

async function receiver() {
  const core = await ScriptedCore.udp();
  closing.push(() => core.close());
  const runtime = await PushRuntime.open({ store: await platform.openStore() });
  closing.push(() => runtime.stop());
  await runtime.load(countingApp('mms.ua').app);
  await runtime.load(countingApp('wml.ua', ['text/vnd.wap.si']).app);
  const events: ReceiverEvent[] = [];
  const agent = new PushReceiverAgent({
    identity: BOB,
    servers: [core.uri],
    instanceId: INSTANCE,
    expires: 600,
    trust: [PSA],
    product: 'test/1',
    runtime,
    onEvent: (event) => events.push(event),
  });
  await agent.start();
  const stop = async () => {
    for (const waiting of core.unanswered('REGISTER')) grant(waiting);
    // The last grant can still be in transit; a refused agent has none.
    const isAnswered = () =>
      agent.registration !== undefined || events.at(-1)?.event === 'registration-failed';
    await until(() => expect(isAnswered()).toBe(true));
    core.autoAnswered.add('REGISTER');
    await agent.stop();
  };
  let open = true;
  const stopOnce = async () => {
    if (open) await stop();
    open = false;
  };
  closing.push(stopOnce);
  return { core, runtime, agent, events, stop: stopOnce };
}

describe('a registration', () => {
  it('6.1-01, 6.1-08, 7.2-01, AD-5.3.2-1, SIPPUSH-PRA-C-002-M: sends REGISTER to the core, and refreshes it with the same Call-ID', async () => {
    const { core, runtime } = await receiver();
    const first = await core.request('REGISTER');
    expect(first.request.uri).toBe('sip:domain.test');
    expect(first.request.headers.get('To')).toBe(`<${BOB}>`);
    grant(first);
    await runtime.load(countingApp('loc.ua', ['text/plain']).app);
    const second = await core.request('REGISTER');
    expect(second.request.headers.get('Call-ID')).toBe(first.request.headers.get('Call-ID'));
    expect(second.request.headers.get('CSeq')).toBe('2 REGISTER');
    grant(second);
  });

  it('6.1-02, 7.1-02, 7.1-03, D-01: has a Contact with every push resource in a quoted list, and the ICSI', async () => {
    const { core } = await receiver();
    const register = await core.request('REGISTER');
    expect(register.request.headers.get('Contact')).toContain('+g.oma.pusheventapp="mms.ua,wml.ua"');
    expect(contactOf(register)?.parameters.get('+g.3gpp.icsi-ref')).toBe(
      'urn%3Aurn-7%3A3gpp-service.ims.icsi.omapush',
    );
    grant(register);
  });

  it('6.1-03: has Require: pref', async () => {
    const { core, stop } = await receiver();
    const register = await core.request('REGISTER');
    expect(register.request.headers.getAll('Require')).toEqual(['pref']);
    grant(register);
    await stop();
    expect(core.requests.at(-1)?.request.headers.getAll('Require')).toEqual(['pref']);
  });

  it('6.1-04, 6.1-05, 6.1-06, 6.1-07: requests a GRUU with the instance id', async () => {
    const { core } = await receiver();
    const register = await core.request('REGISTER');
    expect(register.request.headers.getAll('Supported')).toContain('gruu');
    expect(contactOf(register)?.parameters.get('+sip.instance')).toBe(`<${INSTANCE}>`);
    grant(register);
  });

  it('6.1-09: stores, reports and uses the GRUUs', async () => {
    const { core, agent, events } = await receiver();
    grant(await core.request('REGISTER'));
    await until(() =>
      expect(agent.registration).toEqual({
        expires: 600,
        publicGruu: PUBLIC_GRUU,
        temporaryGruu: TEMPORARY_GRUU,
      }),
    );
    expect(events).toContainEqual({
      event: 'registered',
      identity: BOB,
      apps: ['mms.ua', 'wml.ua'],
      expires: 600,
      publicGruu: PUBLIC_GRUU,
      temporaryGruu: TEMPORARY_GRUU,
    });
  });

  it('6.1-10: removes the id of an unloaded application, and the tag with the last id', async () => {
    const { core, runtime } = await receiver();
    grant(await core.request('REGISTER'));
    await runtime.unload('mms.ua');
    const without = await core.request('REGISTER');
    expect(tagOf(without)).toBe('wml.ua');
    expect(without.request.headers.getAll('Require')).toEqual(['pref']);
    grant(without);
    await runtime.unload('wml.ua');
    const last = await core.request('REGISTER');
    expect(contactOf(last)?.parameters.has('+g.oma.pusheventapp')).toBe(false);
    expect(contactOf(last)?.parameters.get('expires')).toBe('600');
    grant(last);
  });

  it('6.1-02, 6.1-06, 6.1-07, 6.1-11: de-registers with Expires: 0 and the same Contact, never with Contact: *', async () => {
    const { core, stop } = await receiver();
    grant(await core.request('REGISTER'));
    await stop();
    const last = core.requests.at(-1);
    if (!last) throw new Error('no REGISTER');
    expect(last.request.headers.get('Expires')).toBe('0');
    expect(contactOf(last)?.parameters.get('expires')).toBe('0');
    expect(tagOf(last)).toBe('mms.ua,wml.ua');
    expect(contactOf(last)?.parameters.get('+sip.instance')).toBe(`<${INSTANCE}>`);
    expect(last.request.headers.getAll('Supported')).toContain('gruu');
  });

  it('registers a change during a REGISTER after it', async () => {
    const { core, runtime } = await receiver();
    const first = await core.request('REGISTER');
    await runtime.unload('wml.ua');
    await runtime.load(countingApp('dcd.ua', ['application/vnd.oma.dcd']).app);
    expect(core.requests).toHaveLength(1);
    grant(first);
    const second = await core.request('REGISTER');
    expect(tagOf(second)).toBe('dcd.ua,mms.ua');
    grant(second);
  });

  it('reports a refusal and the time of the next attempt', async () => {
    const { core, events } = await receiver();
    const first = await core.request('REGISTER');
    first.respond(403);
    await until(() =>
      expect(events).toContainEqual({
        event: 'registration-failed',
        status: 403,
        reason: 'Forbidden',
        retryInSeconds: expect.any(Number),
      }),
    );
  });
});

describe('a host', () => {
  it('6.1-06: keeps its instance id after a restart', async () => {
    const data = await mkdtemp(join(tmpdir(), 'sip-push-instance-'));
    closing.push(() => rm(data, { recursive: true }));
    const instances: (string | undefined)[] = [];
    for (let start = 0; start < 2; start++) {
      const core = await ScriptedCore.udp();
      const host = await createPushReceiver({
        identity: BOB,
        servers: [core.uri],
        trust: [],
        expires: 600,
        product: 'test/1',
        data,
        apps: [{ definition: countingApp().app }],
        onEvent: () => {},
      });
      const register = await core.request('REGISTER');
      instances.push(contactOf(register)?.parameters.get('+sip.instance'));
      register.respond(403);
      await host.stop('the test ended');
      await core.close();
    }
    expect(instances[0]).toMatch(/^<urn:uuid:[0-9a-f-]{36}>$/);
    expect(instances[1]).toBe(instances[0]);
  });

  it('D-01, E-01: accepts requests to any identity of an implicit registration set', async () => {
    const { core } = await receiver();
    grant(await core.request('REGISTER'));
    const answer = await core.exchange(
      request(
        'MESSAGE',
        'sip:robert@domain.test',
        [
          'Accept-Contact: *;+g.oma.pusheventapp="mms.ua"',
          `P-Asserted-Identity: <${PSA}>`,
          'Content-Type: application/vnd.wap.mms-message',
        ],
        'x',
      ),
    );
    expect(answer.status).toBe(200);
  });
});
