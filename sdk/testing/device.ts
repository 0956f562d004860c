/** A device with the real runtime and the real Push Receiver Agent, from its start to its stop or power loss. */

import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogRecord, PushRuntime, type RuntimeLimits } from '../../core/app/runtime.js';
import type { GuardedFetchOptions } from '../../core/content/fetch/guarded-fetch.js';
import type { HostEvent } from '../../core/host.js';
import { instanceIdOf } from '../../core/instance-id.js';
import { lateEvent } from '../../core/receiver/events.js';
import { PushReceiverAgent } from '../../core/receiver/receiver.js';
import type { MemoryMachine } from './memory-network.js';
import { MemoryStore } from './memory-store.js';
import type { HostedDefinition } from './options.js';
import { type ClockView, turns } from './test-clock.js';

export interface DeviceOptions {
  identity: string;
  server: string;
  trust: readonly string[];
  apps: readonly HostedDefinition[];
  limits?: Partial<RuntimeLimits>;
  fetch: GuardedFetchOptions;
  onEvent(event: HostEvent): void;
  onLog(record: LogRecord): void;
}

/** The data that survives a restart. */
export class Disk {
  private constructor(
    readonly store: MemoryStore,
    readonly folder: string,
  ) {}

  static async make(store?: MemoryStore): Promise<Disk> {
    return new Disk(store ?? (await MemoryStore.open()), await mkdtemp(join(tmpdir(), 'sip-push-testing-')));
  }

  /** A copy of the current content. */
  async copy(): Promise<Disk> {
    const copy = await Disk.make(await this.store.copy());
    await cp(this.folder, copy.folder, { recursive: true });
    return copy;
  }

  async remove(): Promise<void> {
    await this.store.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Milliseconds of real time for applications to start and to register. */
const START_DEADLINE = 2000;

export class Device {
  private constructor(
    readonly runtime: PushRuntime,
    private readonly agent: PushReceiverAgent,
    private readonly clock: ClockView,
    private readonly powerOff: () => void,
  ) {}

  /** Resolves when the device is registered. @throws ConfigurationError or AppError naming the application. */
  static async start(
    options: DeviceOptions,
    { store, folder }: Disk,
    machine: MemoryMachine,
    clock: ClockView,
  ): Promise<Device> {
    const { apps, identity, server, trust, limits, fetch } = options;
    let alive = true;
    let registered = () => {};
    const registration = new Promise<void>((resolve) => {
      registered = resolve;
    });
    const onEvent = (event: HostEvent) => {
      if (!alive) return;
      options.onEvent(event);
      if (event.event === 'registered') registered();
    };
    const runtime = await PushRuntime.open({
      store: store.store,
      clock,
      fetch,
      spool: join(folder, 'spool'),
      files: join(folder, 'files'),
      transfers: join(folder, 'transfers'),
      limits,
      emit: (event) => onEvent({ event: 'app', ...event }),
      log: (record) => {
        if (alive) options.onLog(record);
      },
      onRetrieved: (end) => onEvent(lateEvent(end)),
    });
    try {
      await clock.over(runtime.loadAll(apps), START_DEADLINE);
      const agent = new PushReceiverAgent({
        identity,
        servers: [server],
        trust,
        sockets: machine,
        runtime,
        expires: 3600,
        product: 'sip-push-testing',
        instanceId: await instanceIdOf(store.store),
        onEvent,
      });
      await runtime.start();
      await agent.start();
      await registration;
      return new Device(runtime, agent, clock, () => {
        alive = false;
        machine.cutPower();
        store.cutPower();
      });
    } catch (error) {
      await clock.over(runtime.stop());
      throw error;
    }
  }

  /** De-registers the device and stops its applications. */
  async stop(): Promise<void> {
    await this.clock.over(this.agent.stop());
    await this.clock.over(this.runtime.stop());
    this.clock.end();
  }

  /** Cuts the power: from now on, nothing that the device sends, writes or emits has an effect. */
  cutPower(): void {
    this.powerOff();
  }

  /**
   * Releases the resources of a device whose power was cut. Its applications stop, and cannot write or send.
   */
  async release(): Promise<void> {
    const stopped = this.runtime.stop();
    await turns(2);
    await this.clock.over(stopped, 0);
    await this.clock.over(this.agent.stop(), 0);
    this.clock.end();
  }
}
