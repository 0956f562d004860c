/** The services of an application in a worker: its calls, served on the host's side. */

import { streamOf } from '../../content/content.js';
import { ConfigurationError } from '../../errors.js';
import type { StartContext } from '../contract/push-app.js';
import type { Services, StorageRange } from '../contract/services.js';
import { ENTRIES_AT_ONCE } from './limits.js';
import { type Fields, fieldsOf, rangeOf, textOf } from './messages.js';
import type { Peer } from './peer.js';
import { methodsOf } from './service-methods.js';

/** Made for workers one by one; all other services are called by the names of their functions. */
const OWN_WAY = new Set([
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

/** Those of `storage` and `files` that are called so, too. */
const PLAIN: Readonly<Record<string, readonly string[]>> = {
  storage: ['get', 'put', 'delete'],
  files: ['remove', 'list'],
  schedule: ['at', 'cancel', 'list'],
};

export class HostServices {
  /** By service: the functions that the worker may call. */
  readonly methods: Readonly<Record<string, readonly string[]>>;
  readonly #services: Partial<Services>;
  readonly #all: Fields;

  /** @throws ConfigurationError naming a service that cannot be called from a worker. */
  constructor(
    context: StartContext,
    private readonly peer: Peer,
  ) {
    this.#services = context;
    this.#all = { ...context };
    const methods: Record<string, readonly string[]> = {};
    for (const [name, service] of Object.entries(this.#all)) {
      if (!OWN_WAY.has(name)) methods[name] = methodsOf(name, service);
    }
    this.methods = methods;
  }

  /** @throws whatever the service throws. */
  async call(name: string, args: unknown, signal: AbortSignal): Promise<unknown> {
    const fields = fieldsOf(args);
    switch (name) {
      case 'service':
        return this.#plain(fields);
      case 'storage.entries':
        return this.#entries(fields);
      case 'files.write':
        return this.#of('files').write(this.peer.streams.takeBytes(Number(fields.stream)));
      case 'files.open':
        return this.#openFile(fields);
      case 'fetch':
        return this.#fetch(fields, signal);
    }
    throw new ConfigurationError(`the host has no "${name.slice(0, 100)}"`);
  }

  /** Log lines and events. What is wrong with them is not told to anybody: the worker has looked. */
  tell(name: string, args: unknown): void {
    const { level, message, kind, fields } = fieldsOf(args);
    if (name === 'emit') this.#services.emit?.(textOf(kind), fieldsOf(fields));
    if (name !== 'log' || !this.#services.log) return;
    const { log } = this.#services;
    if (level === 'debug' || level === 'info' || level === 'warn' || level === 'error') {
      log[level](textOf(message));
    }
  }

  #of<Name extends 'storage' | 'files' | 'fetch'>(name: Name): Services[Name] {
    const service = this.#services[name];
    if (!service) throw new ConfigurationError(`"${name}" is not among its needs`);
    return service;
  }

  async #plain({ service, method, args }: Fields): Promise<unknown> {
    const name = textOf(service);
    const called = textOf(method);
    const callable = Object.hasOwn(this.methods, name) ? this.methods[name] : PLAIN[name];
    const object = this.#all[name];
    if (!object || !callable?.includes(called)) {
      throw new ConfigurationError(`there is no ${name.slice(0, 100)}.${called.slice(0, 100)}`);
    }
    const run: unknown = Reflect.get(object, called);
    if (typeof run !== 'function') throw new ConfigurationError(`${name}.${called} is no function`);
    return Reflect.apply(run, object, Array.isArray(args) ? args : []);
  }

  #entries({ range, stream }: Fields): void {
    const entries = inGroups(this.#of('storage').entries(storageRange(range)));
    this.peer.streams.give(Number(stream), streamOf(entries), { ours: true });
  }

  async #openFile({ name, range, stream }: Fields): Promise<void> {
    const content = await this.#of('files').open(String(name), rangeOf(range));
    this.peer.streams.give(Number(stream), content, { ours: true });
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
    this.peer.streams.give(Number(stream), body, { ours: true });
    return head;
  }
}

/** What is wrong in it, storage says. */
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
