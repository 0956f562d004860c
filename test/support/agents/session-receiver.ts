/** A Push Receiver Agent, and a sender whose SIP requests and MSRP frames the test writes. */

import { platform } from '#platform';
import type { PushOffer, ReceivedPush } from '../../../core/app/contract/push.js';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import { PushRuntime, type RuntimeLimits } from '../../../core/app/runtime.js';
import type { RelayAccount } from '../../../core/msrp/index.js';
import type { Store } from '../../../core/platform/platform.js';
import type { TlsOptions } from '../../../core/platform/sockets.js';
import type { ReceiverEvent } from '../../../core/receiver/events.js';
import { PushReceiverAgent } from '../../../core/receiver/receiver.js';
import { throughRelay } from '../../../core/receiver/session/media-connector.js';
import type { SipRequest, SipResponse } from '../../../core/sip/message/message.js';
import { Mailbox } from '../mailbox.js';
import { FILE, type Sections, sectionsOf } from '../msrp/push-offers.js';
import { request } from '../sip/requests.js';
import { ScriptedCore } from '../sip/scripted-core.js';
import { BOB, PSA } from './agents.js';

export const RESOURCE = 'Accept-Contact: *;+g.oma.pusheventapp="files.ua";require;explicit';
export const IDENTITY = `P-Asserted-Identity: <${PSA}>`;
export const SDP = 'Content-Type: application/sdp';

export interface ReceiverOptions {
  /** Further applications besides `files.ua`. */
  apps?: readonly PushAppDefinition[];
  definition?: Partial<PushAppDefinition>;
  limits?: Partial<RuntimeLimits>;
  sessions?: number;
  tls?: TlsOptions;
  relay?: RelayAccount;
  /** Address of the core; 127.0.0.1 by default. */
  host?: string;
  /** Data of an earlier device. */
  store?: Store;
  transfers?: string;
}

/** A push that `files.ua` received, with the content read so far. */
export interface PushContent {
  push: ReceivedPush;
  read: Uint8Array[];
  /** Error of the content stream. */
  broken?: unknown;
  /** Whether `receive` has returned and the push is confirmed. */
  committed: boolean;
}

export class SessionReceiver {
  readonly events: ReceiverEvent[] = [];
  readonly received: PushContent[] = [];
  /** Called when the application begins, or reads a piece. */
  readonly progress = new Mailbox<PushContent>('content for the application');
  consider: (offer: PushOffer) => void | Promise<void> = () => {};
  /** Called when the application receives a push, before it reads the content. */
  receive: (push: ReceivedPush) => void | Promise<void> = () => {};
  /** Called when all content has arrived. */
  decide: (push: ReceivedPush) => void | Promise<void> = () => {};

  private constructor(
    readonly core: ScriptedCore,
    readonly runtime: PushRuntime,
    private agent: PushReceiverAgent | undefined,
  ) {}

  static async start(options: ReceiverOptions = {}): Promise<SessionReceiver> {
    const { apps = [], definition, limits, sessions, tls, relay, host, transfers } = options;
    const core = await ScriptedCore.tcp(0, host);
    const store = options.store ?? (await platform.openStore());
    const runtime = await PushRuntime.open({
      store,
      limits,
      transfers,
    });
    const receiver = new SessionReceiver(core, runtime, undefined);
    await runtime.load({ ...receiver.#app(), ...definition });
    for (const app of apps) await runtime.load(app);
    receiver.agent = new PushReceiverAgent({
      identity: BOB,
      servers: [core.uri],
      instanceId: 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
      expires: 600,
      trust: [PSA, 'sip:*@trusted.test'],
      product: 'test/1',
      runtime,
      sessions,
      tls,
      relay: relay && throughRelay(relay),
      onEvent: (event) => receiver.events.push(event),
    });
    await receiver.agent.start();
    (await core.request('REGISTER')).respond(403);
    core.autoAnswered.add('BYE');
    return receiver;
  }

  of<Name extends ReceiverEvent['event']>(name: Name): Extract<ReceiverEvent, { event: Name }>[] {
    return this.events.filter(
      (event): event is Extract<ReceiverEvent, { event: Name }> => event.event === name,
    );
  }

  /** Contents of the committed pushes. */
  get committed(): Buffer[] {
    return this.received.filter(({ committed }) => committed).map(({ read }) => Buffer.concat(read));
  }

  /** Sends an INVITE that passes all checks, unless overridden by `lines`. */
  inviteOf(body: string, lines: readonly string[] = [RESOURCE, IDENTITY, SDP]): SipRequest {
    return request('INVITE', BOB, [`Contact: <sip:psa@127.0.0.1:${this.core.port}>`, ...lines], body);
  }

  /** The final response, acknowledged if it needs an ACK. @param own the SDP in the ACK. */
  async invite(body: string, lines?: readonly string[], own?: string): Promise<PushSession> {
    const invite = this.inviteOf(body, lines);
    const answer = await this.core.exchange(invite);
    const session = new PushSession(this.core, invite, answer);
    session.acknowledge(answer, own);
    return session;
  }

  /** Stops only the agent: sessions end, applications continue. */
  async stopAgent(): Promise<void> {
    const { agent } = this;
    this.agent = undefined;
    await agent?.stop();
  }

  async stop(): Promise<void> {
    // With a fake clock, the agent may have retried.
    for (const { request, respond } of this.core.requests) if (request.method === 'REGISTER') respond(403);
    await this.stopAgent();
    await this.runtime.stop();
    await this.core.close();
  }

  #app(): PushAppDefinition {
    return {
      id: 'files.ua',
      accepts: [FILE, 'text/plain'],
      delivery: 'direct',
      order: 'parallel',
      start: () => ({
        consider: (offer) => this.consider(offer),
        receive: (push) => this.#receive(push),
      }),
    };
  }

  async #receive(push: ReceivedPush): Promise<void> {
    const received: PushContent = { push, read: [], committed: false };
    this.received.push(received);
    this.progress.put(received);
    await this.receive(push);
    try {
      for await (const bytes of push.content.open()) {
        received.read.push(bytes);
        this.progress.put(received);
      }
    } catch (error) {
      received.broken = error;
      throw error;
    }
    await this.decide(push);
    await push.commit();
    received.committed = true;
  }
}

/** The sender's side of a session. */
export class PushSession {
  #cseq = 1;

  constructor(
    readonly core: ScriptedCore,
    readonly invited: SipRequest,
    readonly answer: SipResponse,
  ) {}

  get status(): number {
    return this.answer.status;
  }

  get sdp(): Sections {
    return sectionsOf(this.answer);
  }

  acknowledge(response = this.answer, own?: string): void {
    if (response.status >= 300) {
      const ack = { ...this.invited, method: 'ACK', headers: this.invited.headers.clone() };
      ack.headers.set('CSeq', `${this.#cseq} ACK`).set('To', response.headers.get('To') ?? '');
      ack.headers.delete('Content-Type');
      this.core.send({ ...ack, body: new Uint8Array(0) });
    } else {
      this.core.send(own === undefined ? this.#within('ACK') : this.#within('ACK', [SDP], own));
    }
  }

  async reinvite(body: string, lines = [SDP], own?: string): Promise<SipResponse> {
    this.#cseq++;
    const contact = `Contact: <sip:psa@127.0.0.1:${this.core.port}>`;
    const answer = await this.core.exchange(this.#within('INVITE', [contact, ...lines], body));
    if (answer.status < 300) this.acknowledge(answer, own);
    return answer;
  }

  async bye(): Promise<SipResponse> {
    this.#cseq++;
    return await this.core.exchange(this.#within('BYE'));
  }

  /** The receiver hangs up. */
  async hungUp(): Promise<SipRequest> {
    return (await this.core.request('BYE')).request;
  }

  #within(method: string, lines: readonly string[] = [], body = ''): SipRequest {
    const contact = /<([^>]*)>/.exec(this.answer.headers.get('Contact') ?? '')?.[1] ?? BOB;
    const next = request(method, contact, lines, body);
    for (const name of ['Call-ID', 'From']) next.headers.set(name, this.invited.headers.get(name) ?? '');
    next.headers.set('To', this.answer.headers.get('To') ?? '').set('CSeq', `${this.#cseq} ${method}`);
    return next;
  }
}
