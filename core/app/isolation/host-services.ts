/** Serves the calls that an application in a worker makes to its services. */

import { streamOf } from '../../content/content.js';
import { ConfigurationError } from '../../errors.js';
import type { StartContext } from '../contract/push-app.js';
import type { Services, StorageRange } from '../contract/services.js';
import type { CommitOperation } from '../contract/transaction.js';
import { commitOperationsOf } from '../services/transactions.js';
import { ENTRIES_AT_ONCE } from './limits.js';
import { type Fields, fieldsOf, rangeOf, textOf } from './messages.js';
import type { Peer } from './peer.js';
import { methodsOf } from './service-methods.js';

/** Parts of the context with their own proxy in a worker. The functions of all other services are called by name. */
const PROXIED = new Set([
  'storage',
  'files',
  'fetch',
  'schedule',
  'log',
  'emit',
  'clock',
  'signal',
  'options',
]);

/** The functions of these services that are called by name as well. */
const PLAIN: Readonly<Record<string, readonly string[]>> = {
  storage: ['get', 'put', 'delete'],
  files: ['remove', 'list'],
  schedule: ['at', 'cancel', 'list'],
};

export class HostServices {
  /** Service name to the functions that the worker can call. */
  readonly methods: Readonly<Record<string, readonly string[]>>;
  readonly #services: Partial<Services>;
  readonly #emit: StartContext['emit'];
  readonly #all: Fields;

  /** @throws ConfigurationError if a service cannot be called from a worker. */
  constructor(
    context: StartContext,
    private readonly peer: Peer,
  ) {
    this.#services = context;
    this.#emit = context.emit;
    this.#all = { ...context };
    const methods: Record<string, readonly string[]> = {};
    for (const [name, service] of Object.entries(this.#all)) {
      if (!PROXIED.has(name)) methods[name] = methodsOf(name, service);
    }
    this.methods = methods;
  }

  /** @throws what the service throws. */
  async call(name: string, args: unknown, signal: AbortSignal): Promise<unknown> {
    const fields = fieldsOf(args);
    switch (name) {
      case 'service':
        return this.#plain(fields);
      case 'storage.transaction':
        return commitOperationsOf(this.#of('storage'))(fields.operations as readonly CommitOperation[]);
      case 'storage.entries':
        return this.#entries(fields);
      case 'files.write':
        return this.#of('files').write(this.peer.streams.openBytes(Number(fields.stream)));
      case 'files.open':
        return this.#openFile(fields);
      case 'fetch':
        return this.#fetch(fields, signal);
    }
    throw new ConfigurationError(`unknown call "${name.slice(0, 100)}"`);
  }

  /** Log lines and events. Invalid ones are ignored: the worker has validated them. */
  notify(name: string, args: unknown): void {
    const { level, message, kind, fields } = fieldsOf(args);
    if (name === 'emit') this.#emit(textOf(kind), fieldsOf(fields));
    if (name !== 'log' || !this.#services.log) return;
    const { log } = this.#services;
    if (level === 'debug' || level === 'info' || level === 'warn' || level === 'error') {
      log[level](textOf(message));
    }
  }

  #of<Name extends 'storage' | 'files' | 'fetch'>(name: Name): Services[Name] {
    const service: Services[Name] | undefined = this.#services[name];
    if (!service) throw new ConfigurationError(`service "${name}" is not available: expected it in "needs"`);
    return service;
  }

  async #plain({ service, method, args }: Fields): Promise<unknown> {
    const name = textOf(service);
    const called = textOf(method);
    const callable = Object.hasOwn(this.methods, name) ? this.methods[name] : PLAIN[name];
    const object = this.#all[name];
    if (!object || !callable?.includes(called)) {
      throw new ConfigurationError(`unknown function ${name.slice(0, 100)}.${called.slice(0, 100)}`);
    }
    const run: unknown = Reflect.get(object, called);
    if (typeof run !== 'function') throw new ConfigurationError(`${name}.${called} is not a function`);
    return Reflect.apply(run, object, Array.isArray(args) ? args : []);
  }

  #entries({ range, stream }: Fields): void {
    const entries = inGroups(this.#of('storage').entries(storageRange(range)));
    this.peer.streams.send(Number(stream), streamOf(entries), { transferred: true });
  }

  async #openFile({ name, range, stream }: Fields): Promise<void> {
    const content = await this.#of('files').open(String(name), rangeOf(range));
    this.peer.streams.send(Number(stream), content, { transferred: true });
  }

  async #fetch({ url, options, stream }: Fields, signal: AbortSignal): Promise<unknown> {
    const {
      body,
      bytes: _,
      ...head
    } = await this.#of('fetch')(String(url), {
      ...fieldsOf(options),
      signal,
    });
    this.peer.streams.send(Number(stream), body, { transferred: true });
    return head;
  }
}

/** The range with fields of the right types; the storage validates their values. */
function storageRange(range: unknown): StorageRange {
  const { prefix, after, limit } = fieldsOf(range);
  return {
    prefix: prefix === undefined ? undefined : String(prefix),
    after: after === undefined ? undefined : String(after),
    limit: limit === undefined ? undefined : Number(limit),
  };
}

async function* inGroups<T>(values: AsyncIterable<T>): AsyncGenerator<T[]> {
  let group: T[] = [];
  for await (const value of values) {
    group.push(value);
    if (group.length < ENTRIES_AT_ONCE) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
