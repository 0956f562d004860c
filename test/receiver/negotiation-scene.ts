/** A device with a core, senders and a clock that the test controls. */

import { definePushApp } from 'sip-push/sdk';
import { platform } from '#platform';
import type { NegotiatedSender } from '../../core/app/contract/push.js';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import { PushRuntime } from '../../core/app/runtime.js';
import type { ProfileOptions } from '../../core/receiver/device-profile.js';
import type { ReceiverEvent } from '../../core/receiver/events.js';
import { negotiateWith } from '../../core/receiver/negotiation.js';
import { PushReceiverAgent, type PushReceiverOptions } from '../../core/receiver/receiver.js';
import { parseNameAddr } from '../../core/sip/values/name-addr.js';
import { BOB, PSA } from '../support/agents/agents.js';
import { type Received, ScriptedCore } from '../support/sip/scripted-core.js';
import { until } from '../support/wait.js';

export const INSTANCE = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
export const PUBLIC_GRUU = `${BOB};gr=${INSTANCE}`;

export type SceneOptions = Partial<Omit<PushReceiverOptions, 'negotiate' | 'profile'>> & {
  senders?: readonly string[];
  profile?: ProfileOptions;
};

export interface Notification extends NegotiatedSender {
  app: string;
}

export class NegotiationScene {
  readonly notifications: Notification[] = [];
  readonly logged: string[] = [];

  private constructor(
    readonly core: ScriptedCore,
    readonly runtime: PushRuntime,
    readonly agent: PushReceiverAgent,
    readonly events: ReceiverEvent[],
    notifications: Notification[],
    logged: string[],
  ) {
    this.notifications = notifications;
    this.logged = logged;
  }

  /** Starts the device up to its first REGISTER, which is not answered yet. */
  static async open(
    { senders = [PSA], profile, ...options }: SceneOptions = {},
    apps: readonly string[] = ['mms.ua', 'wml.ua'],
  ): Promise<NegotiationScene> {
    const core = await ScriptedCore.tcp();
    const logged: string[] = [];
    const runtime = await PushRuntime.open({
      store: await platform.openStore(),
      log: ({ message }) => logged.push(message),
    });
    const notifications: Notification[] = [];
    for (const id of apps) await runtime.load(recordingApp(id, notifications));
    const events: ReceiverEvent[] = [];
    const agent = new PushReceiverAgent({
      identity: BOB,
      servers: [core.uri],
      instanceId: INSTANCE,
      expires: 600,
      trust: [PSA],
      product: 'sip-push/1.0',
      negotiate: negotiateWith(senders, profile),
      profile,
      runtime,
      onEvent: (event) => events.push(event),
      ...options,
    });
    await agent.start();
    return new NegotiationScene(core, runtime, agent, events, notifications, logged);
  }

  async close(): Promise<void> {
    this.core.autoAnswered.add('REGISTER');
    this.core.hangUp();
    await this.agent.stop();
    await this.runtime.stop();
    await this.core.close();
  }

  /** Loads an application that records its notifications. */
  load(id: string): Promise<void> {
    return this.runtime.load(recordingApp(id, this.notifications));
  }

  /** Answers the next REGISTER with its own Contact. */
  async register(gruu: string | undefined = PUBLIC_GRUU): Promise<void> {
    const { request, respond } = await this.core.request('REGISTER');
    const contact = request.headers.get('Contact') ?? '';
    respond(200, [['Contact', gruu === undefined ? contact : `${contact};pub-gruu="${gruu}"`]]);
  }

  options(): Promise<Received> {
    return this.core.request('OPTIONS');
  }

  of<Name extends ReceiverEvent['event']>(name: Name): Extract<ReceiverEvent, { event: Name }>[] {
    return this.events.filter(
      (event): event is Extract<ReceiverEvent, { event: Name }> => event.event === name,
    );
  }

  /** Resolves with the events of this name when there are `count` of them. */
  async occurred<Name extends ReceiverEvent['event']>(name: Name, count = 1) {
    await until(() => {
      if (this.of(name).length < count) throw new Error(`no ${name} among ${JSON.stringify(this.events)}`);
    });
    return this.of(name);
  }
}

export function recordingApp(id: string, notifications: Notification[]): PushAppDefinition {
  return definePushApp({
    id,
    accepts: [`application/vnd.test.${id}`],
    order: 'parallel',
    delivery: 'direct',
    maxSize: 300_000,
    start: () => ({
      receive() {},
      negotiated: (sender) => {
        notifications.push({ app: id, ...sender });
      },
    }),
  });
}

/** The answer of a sender that supports these applications (5.2). */
export function agree(
  { respond }: Received,
  apps: readonly string[],
  methods = 'OPTIONS, MESSAGE, INVITE',
): void {
  const tag = apps.length === 0 ? '' : `;+g.oma.pusheventapp="${apps.join(',')}"`;
  respond(200, [
    ['Contact', `<${PSA}>${tag}`],
    ['Allow', methods],
  ]);
}

export function contactOf({ request }: Received) {
  return parseNameAddr(request.headers.get('Contact') ?? '');
}
