/** A device and a sender in this process, for tests with a real or embedded core. */

import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import {
  createPushReceiver,
  type HostEvent,
  type PushHost,
  type PushHostOptions,
} from '../../../core/host.js';
import { PushSenderAgent, type PushSenderOptions } from '../../../core/sender/sender.js';
import { eventually } from '../wait.js';

export const DOMAIN = 'domain.test';
export const BOB = `sip:bob@${DOMAIN}`;
export const PSA = `sip:psa@${DOMAIN}`;

export class Device {
  private constructor(
    readonly host: PushHost,
    readonly events: HostEvent[],
  ) {}

  /** Resolves when the device is registered. */
  static async start(
    apps: readonly PushAppDefinition[],
    options: Partial<PushHostOptions> & Pick<PushHostOptions, 'servers'>,
  ): Promise<Device> {
    const events: HostEvent[] = [];
    const host = await createPushReceiver({
      identity: BOB,
      trust: [PSA],
      expires: 600,
      product: 'test-device/1',
      apps: apps.map((definition) => ({ definition })),
      onEvent: (event) => events.push(event),
      ...options,
    });
    const device = new Device(host, events);
    await device.event('registered');
    return device;
  }

  of<Name extends HostEvent['event']>(name: Name): Extract<HostEvent, { event: Name }>[] {
    return this.events.filter((event): event is Extract<HostEvent, { event: Name }> => event.event === name);
  }

  /** The first event with this name, including earlier events. */
  event<Name extends HostEvent['event']>(name: Name): Promise<Extract<HostEvent, { event: Name }>> {
    return eventually(
      () => `${name}; events were ${JSON.stringify(this.events)}`,
      () => this.of(name)[0],
    );
  }

  stop(): Promise<void> {
    return this.host.stop('the test ended');
  }
}

export async function startSender(
  options: Partial<PushSenderOptions> & Pick<PushSenderOptions, 'servers'>,
): Promise<PushSenderAgent> {
  const sender = new PushSenderAgent({
    identity: PSA,
    assertIdentity: true,
    product: 'test-sender/1',
    ...options,
  });
  await sender.start();
  return sender;
}
