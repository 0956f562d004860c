/** The subscription of a device to its own registration (3GPP TS 24.229 §5.1.1.3, §5.1.1.5A, §5.1.1.7), with a scripted core. */

import { afterEach, describe, expect, it } from 'vitest';
import { type ContactEvent, type ReginfoContact, writeReginfo } from '../../core/content/reginfo.js';
import { createPushReceiver, type HostEvent, type PushHostOptions } from '../../core/host.js';
import { BOB } from '../support/agents/agents.js';
import { countingApp } from '../support/agents/counting-app.js';
import { request } from '../support/sip/requests.js';
import { type Received, ScriptedCore } from '../support/sip/scripted-core.js';
import { until } from '../support/wait.js';

const INSTANCE = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
const OTHER = 'urn:uuid:00000000-0000-4000-8000-000000000001';
const ASSOCIATED: [string, string] = ['P-Associated-URI', `<${BOB}>, <sip:robert@domain.test>`];

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function grant({ request: register, respond }: Received, headers = [ASSOCIATED]): void {
  respond(200, [['Contact', register.headers.get('Contact') ?? ''], ...headers]);
}

class Scene {
  #version = 0;
  readonly events: HostEvent[] = [];

  private constructor(readonly core: ScriptedCore) {}

  static async open(options: Partial<PushHostOptions> = {}): Promise<Scene> {
    const core = await ScriptedCore.tcp();
    closing.push(() => core.close());
    const scene = new Scene(core);
    const host = await createPushReceiver({
      identity: BOB,
      servers: [core.uri],
      accessNetworkInfo: 'IEEE-802.11',
      instanceId: INSTANCE,
      expires: 600,
      trust: ['sip:psa@domain.test'],
      apps: [{ definition: countingApp('mms.ua').app }],
      onEvent: (event) => scene.events.push(event),
      ...options,
    });
    closing.push(() => {
      core.autoAnswered.add('REGISTER');
      for (const { respond } of core.unanswered('REGISTER')) respond(403);
      return host.stop('the test ended');
    });
    return scene;
  }

  /** The SUBSCRIBE of a registered device, accepted, and its first state. */
  async subscribed(): Promise<Received> {
    grant(await this.core.request('REGISTER'));
    const subscribe = await this.core.request('SUBSCRIBE');
    subscribe.respond(200, [['Expires', '600000']]);
    await this.notify(subscribe, [{}]);
    return subscribe;
  }

  /** Sends the full state with these contacts of each identity. */
  async notify(subscribe: Received, contacts: Partial<ReginfoContact>[], state = 'active;expires=600000') {
    const registrations = [BOB, 'sip:robert@domain.test'].map((aor) => ({
      aor,
      id: aor,
      state: contacts.some((each) => each.state !== 'terminated')
        ? ('active' as const)
        : ('terminated' as const),
      contacts: contacts.map((each, index) => ({
        id: `${aor}.${index}`,
        uri: 'sip:bob@192.0.2.1:5060',
        state: 'active' as const,
        event: 'registered' as const,
        parameters: new Map([['+sip.instance', `"<${INSTANCE}>"`]]),
        ...each,
      })),
    }));
    const notification = request(
      'NOTIFY',
      BOB,
      [
        'Event: reg',
        `Subscription-State: ${state}`,
        'Contact: <sip:scscf@127.0.0.1>',
        'Content-Type: application/reginfo+xml',
      ],
      writeReginfo({ version: this.#version++, state: 'full', registrations }),
    );
    notification.headers
      .set('From', `<${BOB}>;tag=scscf`)
      .set('To', subscribe.request.headers.get('From') ?? '')
      .set('Call-ID', subscribe.request.headers.get('Call-ID') ?? '')
      .set('CSeq', `${this.#version} NOTIFY`);
    expect((await this.core.exchange(notification)).status).toBe(200);
  }

  /** How the core ended the registration, as the device reports it. */
  get ends(): unknown[] {
    return this.events.flatMap((event) =>
      event.event === 'registration-failed' ? [[event.reason, event.retryInSeconds]] : [],
    );
  }
}

const ended = (event: ContactEvent, more: Partial<ReginfoContact> = {}) => ({
  ...{ state: 'terminated' as const, event },
  ...more,
});

describe('a device of IMS', () => {
  it('E.1.1-REG: subscribes to its own registration once, after the registration', async () => {
    const scene = await Scene.open();
    const { request: subscribe } = await scene.subscribed();
    expect(subscribe.uri).toBe(BOB);
    const headers = ['Event', 'Accept', 'Expires', 'P-Access-Network-Info'].map((name) =>
      subscribe.headers.get(name),
    );
    expect(headers).toEqual(['reg', 'application/reginfo+xml', '600000', 'IEEE-802.11']);
    expect(subscribe.headers.get('From')).toContain(`<${BOB}>`);
  });

  it('E.1.1-REG: registers at once when the core deactivates its contact, and not again at once when that repeats', async () => {
    const scene = await Scene.open();
    const subscribe = await scene.subscribed();
    await scene.notify(subscribe, [ended('deactivated')]);
    grant(await scene.core.request('REGISTER'));
    await until(() => expect(scene.events.filter(({ event }) => event === 'registered')).toHaveLength(2));
    await scene.notify(subscribe, [{}]);
    await scene.notify(subscribe, [ended('deactivated')]);
    const reason = 'the core ended the registration: deactivated';
    expect(scene.ends).toEqual([
      [reason, 0],
      [reason, expect.toSatisfy((seconds: number) => seconds > 0)],
    ]);
  });

  it('E.1.1-REG: subscribes again when the subscription ended with the registration', async () => {
    const scene = await Scene.open();
    const subscribe = await scene.subscribed();
    await scene.notify(subscribe, [ended('deactivated')], 'terminated;reason=noresource');
    grant(await scene.core.request('REGISTER'));
    const next = await scene.core.request('SUBSCRIBE');
    expect(next.request.headers.get('Call-ID')).not.toBe(subscribe.request.headers.get('Call-ID'));
    next.respond(403);
  });

  it.each([
    ['probation', ended('probation', { retryAfter: 77 }), 77],
    ['rejected', ended('rejected'), 600],
    ['unregistered', ended('unregistered'), 600],
  ])('E.1.1-REG: registers later when the event of its contact is %s', async (event, contact, seconds) => {
    const scene = await Scene.open();
    await scene.notify(await scene.subscribed(), [contact]);
    expect(scene.ends).toEqual([[`the core ended the registration: ${event}`, seconds]]);
  });

  it('E.1.1-REG: registers when the core does not list its contact any more', async () => {
    const scene = await Scene.open();
    await scene.notify(await scene.subscribed(), []);
    grant(await scene.core.request('REGISTER'));
    expect(scene.ends).toEqual([['the core ended the registration: it is not listed', 0]]);
  });

  it('E.1.1-REG: registers in time when the core shortens the registration, to authenticate again', async () => {
    const scene = await Scene.open();
    await scene.notify(await scene.subscribed(), [{ event: 'shortened', expires: 1 }]);
    grant(await scene.core.request('REGISTER'));
    expect(scene.ends).toEqual([]);
  });

  it('E.1.1-REG: ignores the ends of other devices of the user, and of an earlier contact of its own', async () => {
    const scene = await Scene.open();
    const subscribe = await scene.subscribed();
    const parameters = new Map([['+sip.instance', `"<${OTHER}>"`]]);
    await scene.notify(subscribe, [{}, ended('deactivated', { parameters }), ended('expired')]);
    await scene.notify(subscribe, [{}]);
    expect(scene.ends).toEqual([]);
    expect(scene.core.unanswered('REGISTER')).toEqual([]);
  });

  it.each([403, 404, 405, 489, 500])(
    'E.1.1-REG: registers without events where SUBSCRIBE is refused with %i',
    async (status) => {
      const scene = await Scene.open();
      grant(await scene.core.request('REGISTER'));
      (await scene.core.request('SUBSCRIBE')).respond(status);
      await until(() => expect(scene.events.map(({ event }) => event)).toContain('registered'));
      expect(scene.ends).toEqual([]);
    },
  );
});

describe('a device of another network', () => {
  it.each([
    ['the device has neither a UICC nor an access network', { accessNetworkInfo: undefined }, [ASSOCIATED]],
    ['the core lists no identities', {}, []],
  ])('E.1.1-REG: does not subscribe if %s', async (_case, options, headers) => {
    const scene = await Scene.open(options);
    grant(await scene.core.request('REGISTER'), headers);
    await until(() => expect(scene.events.map(({ event }) => event)).toContain('registered'));
    // The core answers in order: a SUBSCRIBE would have been sent before.
    await scene.core.exchange(request('OPTIONS', BOB));
    expect(scene.core.requests.map(({ request: { method } }) => method)).toEqual(['REGISTER']);
  });
});
