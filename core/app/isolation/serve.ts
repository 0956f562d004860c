/** Runs an application in a worker, for a host in another thread. */

import { contentReaders } from '../../content/content.js';
import { AppError, ConfigurationError, SipPushError } from '../../errors.js';
import type { ParentPort } from '../../platform/threads.js';
import { systemClock } from '../../time/clock.js';
import { handled } from '../../time/deadline.js';
import { requireInstance } from '../application/started-app.js';
import { checkedAnswer, checkedQuery } from '../contract/events.js';
import { type Manifest, readManifest } from '../contract/manifest.js';
import { readOptions } from '../contract/options.js';
import { requireNoRefusal } from '../contract/outcome.js';
import type { Push, ReceivedPush } from '../contract/push.js';
import type { PushAppDefinition, PushAppInstance, StartContext } from '../contract/push-app.js';
import type { Alarm, DueAlarm, ServiceName } from '../contract/services.js';
import type { CommitOperation, Transaction } from '../contract/transaction.js';
import { Transactions } from '../services/transactions.js';
import type { PackedContent, PackedPush } from './hook-calls.js';
import { MAX_ISSUES } from './limits.js';
import { type Fields, fieldsOf, textOf } from './messages.js';
import { Peer } from './peer.js';
import { methodsOf, plainJson } from './service-methods.js';
import { HostTime } from './watchdog.js';
import { StreamedContent, workerContent, workerServices } from './worker-services.js';

/** Loads the definition of a module, by the name in the host's configuration. */
export type LoadApplication = (module: string) => PushAppDefinition | Promise<PushAppDefinition>;

/** The parts of a definition that the host reads before it starts the application. */
const MANIFEST_KEYS = [
  'id',
  'replaces',
  'accepts',
  'maxSize',
  'delivery',
  'timeout',
  'needs',
  'provides',
  'iari',
] as const;

/** The optional hooks of an instance. */
export const HOOKS = ['consider', 'describe', 'negotiated', 'alarm', 'stop'] as const;

export type Hook = (typeof HOOKS)[number];

/** Serves the host that started this thread until the thread ends. */
export function serve(port: ParentPort, load: LoadApplication): void {
  const served = new ServedApplication(port, load);
  port.onmessage = (message) => served.peer.receive(message);
  served.answer();
}

interface Commits {
  readonly run: ReceivedPush['commit'];
  running: Promise<unknown> | undefined;
}

class ServedApplication {
  readonly peer: Peer;
  readonly #time = new HostTime();
  readonly #stopping = new AbortController();
  readonly #contents = new Map<number, StreamedContent>();
  #definition: PushAppDefinition | undefined;
  #manifest: Manifest | undefined;
  #instance: PushAppInstance | undefined;
  #transactions: Transactions | undefined;

  constructor(
    private readonly port: ParentPort,
    private readonly load: LoadApplication,
  ) {
    this.peer = new Peer(port, {
      call: (name, args, signal) => this.#call(name, fieldsOf(args), signal),
      notify: (name, args) => this.#notified(name, fieldsOf(args)),
      invalid: () => {},
    });
  }

  /** Sends a pong: as the answer to a ping, and once when the script runs. */
  answer(ping?: unknown): void {
    this.peer.notify('pong', { ping, memory: this.port.memory() });
  }

  #notified(name: string, fields: Fields): void {
    if (name === 'ping') this.answer(fields.ping);
    if (name === 'time') this.#time.ahead = Number(fields.ahead);
    if (name === 'stopping') this.#stopping.abort(new AppError(this.#eventAppId, 'is stopping'));
    if (name === 'size') {
      const content = this.#contents.get(Number(fields.hookCall));
      if (content) content.size = Number(fields.size);
    }
  }

  async #call(name: string, fields: Fields, signal: AbortSignal): Promise<unknown> {
    switch (name) {
      case 'load':
        return this.#load(textOf(fields.module));
      case 'options':
        return this.#issues(fields.options);
      case 'start':
        return this.#start(fields);
      case 'receive':
        return this.#receive(fields, signal);
      case 'alarm':
        return this.#alarm(fields, signal);
      case 'describe':
        return this.#withPush(fields, (push) => this.#running.describe?.(push));
      case 'consider':
        return this.#running.consider?.(
          Object.freeze(fields.offer) as Parameters<NonNullable<PushAppInstance['consider']>>[0],
        );
      case 'negotiated':
        return this.#running.negotiated?.(
          fields.sender as Parameters<NonNullable<PushAppInstance['negotiated']>>[0],
        );
      case 'query':
        return this.#query(textOf(fields.name), fields.args);
      case 'provided':
        return this.#provided(fields);
      case 'stop':
        return this.#running.stop?.();
    }
    throw new ConfigurationError(`unknown call "${name}"`);
  }

  /** @returns the cloneable parts of the definition, and whether it has a schema. */
  async #load(module: string): Promise<Fields> {
    const definition = await this.load(module);
    this.#manifest = readManifest(definition);
    this.#definition = definition;
    const all: Fields = { ...definition };
    const plain = MANIFEST_KEYS.filter((key) => all[key] !== undefined).map((key) => [
      key,
      plainJson(all[key]),
    ]);
    const { events, queries, order, options } = this.#manifest;
    return {
      ...Object.fromEntries(plain),
      events: namesOf(events),
      queries: namesOf(queries),
      // Its result would be needed before the push has a place in the order.
      order: typeof order === 'function' ? 'serial' : order,
      schema: options !== undefined,
    };
  }

  /** The issues that the schema finds in the options. */
  async #issues(options: unknown): Promise<Fields> {
    const result = await this.#manifest?.options?.['~standard'].validate(options);
    const issues = result?.issues?.slice(0, MAX_ISSUES).map(({ message, path = [] }) => ({
      message: String(message),
      path: path.map((part) => {
        const key = typeof part === 'object' ? part.key : part;
        return typeof key === 'symbol' ? String(key) : key;
      }),
    }));
    return { issues };
  }

  /** @returns the hooks of the instance, and the functions of the services that it provides. */
  async #start({ options, methods }: Fields): Promise<Fields> {
    const { peer } = this;
    const definition = this.#definition;
    const manifest = this.#loaded;
    if (!definition) throw new SipPushError('the application is not loaded');
    const { eventAppId, needs, events, order } = manifest;
    const transactions = new Transactions({
      eventAppId,
      events,
      clock: systemClock,
      alarms: needs.includes('schedule'),
      exclusive: order === 'serial',
      onError: (message) => peer.notify('log', { level: 'warn', message }),
    });
    this.#transactions = transactions;
    const services = workerServices({
      transactions,
      events,
      eventAppId,
      needs,
      methods: fieldsOf(methods),
      peer,
      time: this.#time,
    });
    const checked = await readOptions(eventAppId, manifest.options, options, systemClock);
    const context = { ...services, signal: this.#stopping.signal, options: checked };
    const instance = await definition.start(context as StartContext<ServiceName, never, never>);
    requireInstance(manifest, instance);
    this.#instance = instance;
    const provided = Object.entries(instance.services ?? {}).map(([name, service]) => [
      name,
      methodsOf(name, service),
    ]);
    return {
      hooks: HOOKS.filter((hook) => typeof instance[hook] === 'function'),
      queries: Object.keys(instance.queries ?? {}),
      provided: Object.fromEntries(provided),
    };
  }

  #receive(fields: Fields, signal: AbortSignal): Promise<void> {
    return this.#withPush(fields, async (push) => {
      const commit = this.#commits(fields);
      const returned: unknown = await this.#running.receive(
        Object.freeze({ ...push, attempt: Number(fields.attempt), signal, commit: commit.run }),
      );
      requireNoRefusal(returned);
      // A commit that the application did not await decides, too.
      await commit.running;
    });
  }

  async #alarm(fields: Fields, signal: AbortSignal): Promise<void> {
    const commit = this.#commits(fields);
    const due: DueAlarm = { ...(fields.alarm as Alarm), signal, commit: commit.run };
    await this.#running.alarm?.(Object.freeze(due));
    await commit.running;
  }

  async #withPush<T>({ push, content, hookCall }: Fields, use: (push: Push) => T): Promise<Awaited<T>> {
    const id = Number(hookCall);
    const own = workerContent(content as PackedContent, id, this.peer);
    if (own instanceof StreamedContent) this.#contents.set(id, own);
    try {
      const { headers, ...rest } = push as PackedPush;
      const readers = contentReaders(own, this.#manifest?.maxSize);
      return await use(Object.freeze({ ...rest, headers: Object.freeze(headers), content: own, ...readers }));
    } finally {
      this.#contents.delete(id);
    }
  }

  /** The function `commit` of a call, and its commit in progress. */
  #commits({ hookCall, arriving }: Fields): Commits {
    const send = async (operations: readonly CommitOperation[]) => {
      await this.peer.call('commit', { hookCall, operations });
    };
    const run = async <Result>(write?: (tx: Transaction) => Result | Promise<Result>): Promise<Result> => {
      // `commits.running` is set before the callback runs.
      await undefined;
      // A transaction that waits for content would block the others.
      if (arriving === true) await this.peer.call('arrived', { hookCall });
      if (!this.#transactions) throw new SipPushError('the application is not started');
      return this.#transactions.run(write, send);
    };
    const commits: Commits = {
      running: undefined,
      run: <Result>(write?: (tx: Transaction) => Result | Promise<Result>) => {
        const committed = handled(run(write));
        commits.running = committed;
        // The application has the error of a commit that has failed.
        const over = () => {
          if (commits.running === committed) commits.running = undefined;
        };
        committed.then(over, over);
        return committed;
      },
    };
    return commits;
  }

  async #query(name: string, args: unknown): Promise<unknown> {
    const { what, run } = checkedQuery(this.#loaded, this.#running, name, args);
    return checkedAnswer(this.#eventAppId, what, await run());
  }

  async #provided({ service, method, args }: Fields): Promise<unknown> {
    const object: unknown = this.#running.services?.[textOf(service)];
    const run: unknown = Reflect.get(Object(object), textOf(method));
    if (typeof run !== 'function') throw new SipPushError(`unknown function ${service}.${method}`);
    return await Reflect.apply(run, object, Array.isArray(args) ? args : []);
  }

  get #loaded(): Manifest {
    if (!this.#manifest) throw new SipPushError('the application is not loaded');
    return this.#manifest;
  }

  get #running(): PushAppInstance {
    if (!this.#instance) throw new SipPushError('the application is not started');
    return this.#instance;
  }

  get #eventAppId(): string {
    return this.#manifest?.eventAppId ?? '';
  }
}

/** The names of events or queries. Their schemas stay in the worker. */
function namesOf(schemas: object): Fields {
  return Object.fromEntries(Object.keys(schemas).map((name) => [name, true]));
}
