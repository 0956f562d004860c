/// <reference lib="esnext.disposable" preserve="true" />

/** A device in a test: the real runtime and agents of both sides, in memory, with a test clock. */

import { MissingServiceError } from '../../core/app/application/load-order.js';
import { type Manifest, readManifest } from '../../core/app/contract/manifest.js';
import type { PushDescription } from '../../core/app/contract/push.js';
import type { DeadLetter } from '../../core/app/ledger/dead-letters.js';
import { AppError, ConfigurationError, TimeoutError, TransportError } from '../../core/errors.js';
import type { HostEvent } from '../../core/host.js';
import type { LogRecord } from '../../core/log.js';
import type { PushRequest, Receipt } from '../../core/sender/push-request.js';
import { suggestion } from '../../core/text.js';
import { contentOf, mediaType, octetsOf } from './body.js';
import { Device, type DeviceOptions, Disk } from './device.js';
import { Internet } from './internet.js';
import type { StoreMoment } from './memory-store.js';
import type { EventOf, InboxPush, TestHostOptions, TestPush, TestPushResult } from './options.js';
import { DOMAIN, Senders } from './senders.js';
import { type HostClock, TestClock, turns } from './test-clock.js';

const IDENTITY = `sip:device@${DOMAIN}`;
const SENDER = `sip:sender@${DOMAIN}`;
const MACHINE = '127.0.0.2';

/** Milliseconds of real time that a test waits for an event. */
const EVENT_DEADLINE = 5000;

/** Turns of the event loop after a receipt: a device emits the event of a push after it has answered. */
const EVENT_TURNS = 20;

const PASS_PROVIDER =
  'pass the application that provides it as well: startTestHost({ apps: [provider, app] })';

const POWER_LOSS = new TransportError('the device lost power');
const NO_ANSWER: Pick<Receipt, 'outcome' | 'status' | 'reason' | 'retryable' | 'retryAfter'> = {
  outcome: 'failed',
  reason: POWER_LOSS.message,
  retryable: true,
};

/** A device in a test. `startTestHost` creates it; `await using` stops it. */
export class TestHost {
  /** Events of the host, in order, over all restarts. */
  readonly events: HostEvent[] = [];
  /** Log of the runtime and the applications, in order, over all restarts. */
  readonly logs: LogRecord[] = [];
  readonly #clock: TestClock;
  readonly #senders: Senders;
  readonly #internet: Internet;
  readonly #options: DeviceOptions;
  readonly #watchers = new Set<() => void>();
  /** Events that belong to the result of a push. */
  readonly #claimed = new Set<HostEvent>();
  /** Aborts pending pushes when the device loses power. */
  #life = new AbortController();
  #disk: Disk;
  #device: Device | undefined;

  private constructor(options: TestHostOptions, senders: Senders, disk: Disk) {
    const { apps, now, server, allow, trust = [`sip:*@${DOMAIN}`], limits } = options;
    this.#clock = new TestClock(now);
    this.#senders = senders;
    this.#disk = disk;
    this.#internet = new Internet(server, allow);
    this.#options = {
      identity: IDENTITY,
      server: senders.server,
      trust,
      apps: apps.map((app) => ('definition' in app ? app : { definition: app })),
      fetch: this.#internet.options,
      limits,
      onEvent: (event) => {
        this.events.push(event);
        for (const watcher of [...this.#watchers]) watcher();
      },
      onLog: (record) => this.logs.push(record),
    };
  }

  /** See `startTestHost`. */
  static async start(options: TestHostOptions): Promise<TestHost> {
    const host = new TestHost(options, await Senders.start(), await Disk.make());
    try {
      await host.#begin();
    } catch (error) {
      await host.stop();
      throw error;
    }
    return host;
  }

  /** The clock of the runtime and the applications. */
  get clock(): HostClock {
    return this.#clock;
  }

  /**
   * Sends a push through the core, and resolves with what the sender receives. If the application waits for time to
   * pass, advance the clock meanwhile: `const result = host.push(…); await host.clock.advance(10_000); await result`.
   * @throws LimitError if the body is too large for its mode (pager: about 1000 bytes); ConfigurationError for an
   * invalid address or media type; the reason of the signal.
   */
  async push(push: TestPush): Promise<TestPushResult> {
    const { from = SENDER, mode = 'pager', signal } = push;
    const first = this.events.length;
    const firstLog = this.logs.length;
    const life = this.#life.signal;
    const sending = this.#senders.send(from, this.#request(push), {
      signal: signal ? AbortSignal.any([life, signal]) : life,
      chunkBytes: chunkBytesOf(push.body),
    });
    const receipt = await sending.catch((error: unknown) => {
      if (error === POWER_LOSS) return NO_ANSWER;
      throw error;
    });
    const { outcome, status, reason, retryable, retryAfter } = receipt;
    const pushId = await this.#pushId({ ...push, from, mode }, receipt, first);
    return {
      outcome,
      status,
      reason,
      retryable,
      retryAfter,
      pushId,
      error: pushId === undefined ? undefined : this.#errorOf(pushId, firstLog),
    };
  }

  /** The events with this name so far. */
  of<Name extends HostEvent['event']>(name: Name): EventOf<Name>[] {
    return this.events.filter((event): event is EventOf<Name> => event.event === name);
  }

  /**
   * The events that an application has emitted, optionally of one kind.
   * @throws ConfigurationError if there is no such application or kind, naming the known ones.
   */
  emitted(eventAppId: string, kind?: string): EventOf<'app'>[] {
    const manifests = this.#manifestsOf(eventAppId);
    const kinds = manifests.flatMap(({ events }) => Object.keys(events));
    if (kind !== undefined && !kinds.includes(kind)) {
      throw new ConfigurationError(
        `${eventAppId} has no event "${kind}"${kinds.length === 0 ? ': it declares none' : suggestion(kind, kinds)}`,
      );
    }
    return this.of('app').filter(({ app, kind: of }) => app === eventAppId && (kind ?? of) === of);
  }

  /**
   * Waits for the first event that `matches`; also finds an earlier one.
   * @throws TimeoutError after five seconds of real time.
   */
  async event<Name extends HostEvent['event']>(
    name: Name,
    matches: (event: EventOf<Name>) => boolean = () => true,
  ): Promise<EventOf<Name>> {
    return await new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(deadline);
        this.#watchers.delete(look);
        settle();
      };
      const look = () => {
        const found = this.of(name).find(matches);
        if (found) end(() => resolve(found));
      };
      const late = () =>
        reject(
          new TimeoutError(`no matching event "${name}"; events so far: ${JSON.stringify(this.events)}`),
        );
      const deadline = setTimeout(() => end(late), EVENT_DEADLINE);
      this.#watchers.add(look);
      look();
    });
  }

  /**
   * Waits for a condition, without advancing the clock: `host.until(async () => (await host.inbox()).length === 0)`.
   * @throws TimeoutError after five seconds of real time.
   */
  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + EVENT_DEADLINE;
    while (!(await condition())) {
      if (performance.now() > deadline) throw new TimeoutError(`the condition was not met: ${condition}`);
      await turns(1);
    }
  }

  /**
   * The storage of an application, as it is on disk.
   * @throws ConfigurationError if there is no such application, naming the known ones.
   */
  async storage(eventAppId: string): Promise<Record<string, unknown>> {
    this.#manifestsOf(eventAppId);
    return await this.#disk.store.storageOf(eventAppId);
  }

  /** Pushes on disk that are not accepted yet. */
  async inbox(): Promise<InboxPush[]> {
    return (await this.#disk.store.inbox()).map(({ id, app, attempts }) => ({ id, app, attempts }));
  }

  /** Pushes that were confirmed and that their application does not accept, the oldest first. */
  deadLetters(): DeadLetter[] {
    return this.#alive.runtime.deadLetters();
  }

  /** Describes an accepted push for users. */
  async describe(pushId: string): Promise<PushDescription | undefined> {
    return await this.#alive.runtime.describe(pushId);
  }

  /** Sends a query to an application. @throws ConfigurationError or AppError naming the application. */
  async query(eventAppId: string, name: string, args?: unknown): Promise<unknown> {
    return await this.#alive.runtime.query(eventAppId, name, args);
  }

  /**
   * Cuts the power: only what the device has written is kept, and it sends nothing more. `restart` starts the device
   * again.
   * @param at when to cut the power; now by default. `ending`: before the end of a push is written, between receive and
   * commit. `ended`: after it is written, before the sender is answered. Resolves when the power is cut; never if the
   * host is stopped first.
   */
  async kill(at?: StoreMoment): Promise<void> {
    const device = this.#alive;
    if (at === undefined) device.cutPower();
    else await new Promise<void>((resolve) => this.#disk.store.watch(at, () => resolve(device.cutPower())));
    this.#device = undefined;
    // The core answers senders of MESSAGE requests; a sender in session mode would repeat its offer for a minute.
    await turns(EVENT_TURNS);
    this.#life.abort(POWER_LOSS);
    this.#life = new AbortController();
    const disk = this.#disk;
    this.#disk = await disk.copy();
    await device.release();
    await disk.remove();
  }

  /** Stops the device if it runs, and starts it with what it has on disk. */
  async restart(): Promise<void> {
    await this.#device?.stop();
    this.#device = undefined;
    await this.#begin();
  }

  /** Stops the device, the senders and the core. Events and logs stay readable. */
  async stop(): Promise<void> {
    const device = this.#device;
    this.#device = undefined;
    this.#disk.store.unwatch();
    await device?.stop();
    await this.#senders.stop();
    await this.#disk.remove();
  }

  /** See `stop`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  get #alive(): Device {
    if (!this.#device) throw new ConfigurationError('the host is not running: call restart()');
    return this.#device;
  }

  async #begin(): Promise<void> {
    const machine = this.#senders.network.machine(MACHINE);
    const starting = Device.start(this.#options, this.#disk, machine, this.#clock.view());
    this.#device = await starting.catch((error: unknown) => {
      throw error instanceof MissingServiceError ? error.advising(PASS_PROVIDER) : error;
    });
  }

  #request({ app, type, body = '', mode = 'pager', ...push }: TestPush): PushRequest {
    const { headers = {}, fileName, encoding, iari, id } = push;
    const order = { to: IDENTITY, app, mode, iari, id };
    if (mode === 'indirect') {
      return { ...order, content: this.#internet.publish(mediaType(type), octetsOf(body)) };
    }
    const content = contentOf(mediaType(type), body);
    if (mode === 'pager') return { ...order, content, encoding };
    const file = {
      content,
      name: fileName,
      disposition: headers['content-disposition'],
      description: headers['content-description'],
    };
    return { ...order, files: [file] };
  }

  /** The applications with this id, or with this earlier id. @throws ConfigurationError if there is none. */
  #manifestsOf(eventAppId: string): Manifest[] {
    const manifests = this.#options.apps.map(({ definition }) => readManifest(definition));
    const found = manifests.filter((app) => [app.eventAppId, ...app.replaces].includes(eventAppId));
    if (found.length > 0) return found;
    const known = manifests.map((app) => app.eventAppId);
    throw new ConfigurationError(`no application "${eventAppId}"${suggestion(eventAppId, known)}`);
  }

  /** The error of a push in the log of the device. */
  #errorOf(pushId: string, first: number): unknown {
    const records = this.logs.slice(first).filter(({ push }) => push === pushId);
    const thrown = records.find(({ error }) => error !== undefined);
    if (thrown) return thrown.error;
    const [failed] = records.filter(({ level }) => level !== 'debug');
    return failed && new AppError(failed.app ?? '', failed.message);
  }

  /** The id of the push in the events of the device, which a sender does not learn. */
  async #pushId(
    { app, from, mode }: TestPush & { from: string },
    { outcome, status }: Pick<Receipt, 'outcome' | 'status'>,
    first: number,
  ): Promise<string | undefined> {
    const found = () =>
      this.events.slice(first).find((event) => {
        if (this.#claimed.has(event)) return false;
        if (event.event === 'broken-off')
          return outcome !== 'delivered' && event.app === app && event.from === from;
        if (event.event !== 'push' || event.app !== app || event.from !== from) return false;
        return event.mode === mode && event.status === status;
      });
    for (let turn = 0; turn < EVENT_TURNS && !found(); turn++) await turns(1);
    const event = found();
    if (event?.event !== 'push' && event?.event !== 'broken-off') return undefined;
    this.#claimed.add(event);
    return event.id === '' ? undefined : event.id;
  }
}

/** Chunk size of a sender: the size of the pieces for a stream. */
function chunkBytesOf(body: TestPush['body']): number | undefined {
  return typeof body === 'object' && 'chunks' in body ? body.chunkBytes : undefined;
}

/**
 * Starts a device, a SIP/IP core and senders in memory. When it resolves, the applications are started and the device
 * is registered.
 * @throws ConfigurationError or AppError naming the application that cannot be loaded.
 */
export function startTestHost(options: TestHostOptions): Promise<TestHost> {
  return TestHost.start(options);
}
