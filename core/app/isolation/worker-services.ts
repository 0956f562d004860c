/** Content and services of an application in a worker. The host does the work. */

import {
  type ByteRange,
  type Content,
  type MediaType,
  memoryContent,
  readAll,
} from '../../content/content.js';
import { LimitError } from '../../errors.js';
import { handled, invoke } from '../../time/deadline.js';
import { checkedEvent } from '../contract/events.js';
import type {
  Alarm,
  AppClock,
  AppFetch,
  AppFetchResponse,
  AppFile,
  AppFiles,
  AppLog,
  AppSchedule,
  AppStorage,
} from '../contract/services.js';
import type { CommitOperation, Emit, EventSchemas } from '../contract/transaction.js';
import { encodeValue, jsonCopy, requireKey } from '../services/stored-values.js';
import type { Transactions } from '../services/transactions.js';
import type { PackedContent } from './hook-calls.js';
import { type Fields, fieldsOf } from './messages.js';
import type { Peer } from './peer.js';
import { serviceOf } from './service-methods.js';
import type { HostTime } from './watchdog.js';

/** @param hookCall id of the call that the content belongs to. */
export function workerContent(
  { type, size, bytes }: PackedContent,
  hookCall: number,
  peer: Peer,
): Content | StreamedContent {
  return bytes ? memoryContent(type, bytes) : new StreamedContent(type, size, hookCall, peer);
}

export class StreamedContent implements Content {
  /** Set when all content has arrived, if the sender did not declare a size. */
  size?: number;

  constructor(
    readonly type: MediaType,
    size: number | undefined,
    private readonly hookCall: number,
    private readonly peer: Peer,
  ) {
    this.size = size;
  }

  open(range?: ByteRange): ReadableStream<Uint8Array> {
    if (range) requireRange(range);
    const { peer, hookCall } = this;
    const stream = peer.next();
    peer.notify('open', { hookCall, stream, range: range && { ...range } });
    return peer.streams.openBytes(stream);
  }

  async bytes(limit: number): Promise<Uint8Array> {
    if (this.size !== undefined && this.size > limit) {
      throw new LimitError(`the content has ${this.size} bytes: expected at most ${limit}`);
    }
    return readAll(this.open(), limit);
  }
}

function requireRange({ start, end = start }: ByteRange): void {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start - 1) {
    throw new RangeError(`bytes ${start} to ${end}: expected whole numbers, 0 <= start <= end`);
  }
}

export interface WorkerServicesParts {
  eventAppId: string;
  needs: readonly string[];
  events: EventSchemas;
  transactions: Transactions;
  /** Service name to the functions that the host offers. */
  methods: Fields;
  peer: Peer;
  time: HostTime;
}

/** The services in `needs`, and `emit`. */
export function workerServices(parts: WorkerServicesParts): Record<string, unknown> {
  const { eventAppId, needs, events, transactions, methods, peer, time } = parts;
  const call = (service: string) => (method: string, args: readonly unknown[]) =>
    peer.call('service', { service, method, args });
  const made: Record<string, (name: string) => unknown> = {
    storage: () => storage(peer, call('storage'), transactions),
    files: () => files(peer, call('files')),
    fetch: () => fetch(peer),
    log: () => log(peer),
    clock: (): AppClock => ({ now: () => new Date(time.now()) }),
    schedule: () => schedule(call('schedule')),
  };
  const services: Record<string, unknown> = { emit: emit(eventAppId, events, peer) };
  for (const name of needs) {
    const own = methods[name];
    const make = Object.hasOwn(made, name) ? made[name] : undefined;
    services[name] = make?.(name) ?? serviceOf(Array.isArray(own) ? own.map(String) : [], call(name));
  }
  return services;
}

type Call = (method: string, args: readonly unknown[]) => Promise<unknown>;

function storage(peer: Peer, call: Call, transactions: Transactions): AppStorage {
  const write = async (operations: readonly CommitOperation[]) => {
    await peer.call('storage.transaction', { operations });
  };
  return {
    async get(key) {
      await transactions.readable();
      return call('get', [key]);
    },
    put: (key, value) => handled(invoke(() => write([{ type: 'put', key, value: encodeValue(key, value) }]))),
    transaction: (collect) => transactions.run(collect, write),
    delete: (key) => handled(call('delete', [key]).then(nothing)),
    async *entries(range = {}) {
      await transactions.readable();
      const stream = peer.next();
      await peer.call('storage.entries', { stream, range: { ...range } });
      // Leaving the loop cancels the stream.
      for await (const group of peer.streams.open(stream)) yield* group as [string, unknown][];
    },
  };
}

function files(peer: Peer, call: Call): AppFiles {
  const write = async (content: ReadableStream<Uint8Array>) => {
    const stream = peer.next();
    // The application may reuse the buffers of its chunks, so they are copied.
    peer.streams.send(stream, content, { transferred: false });
    return (await peer.call('files.write', { stream })) as AppFile & { sha256: string };
  };
  return {
    write: (content) => handled(write(content)),
    open(name, range) {
      const stream = peer.next();
      const opened = peer.call('files.open', { stream, name, range: range && { ...range } });
      return handled(opened.then(() => peer.streams.openBytes(stream)));
    },
    remove: (name) => handled(call('remove', [name]).then(nothing)),
    list: () => call('list', []) as Promise<AppFile[]>,
  };
}

function fetch(peer: Peer): AppFetch {
  const run: AppFetch = async (url, { signal, body, ...options } = {}) => {
    signal?.throwIfAborted();
    const stream = peer.next();
    const posted = body ? { body: new Uint8Array(body) } : {};
    const args = { url: String(url), stream, options: { ...options, ...posted } };
    const answer = fieldsOf(await peer.call('fetch', args, { signal }));
    const read = peer.streams.openBytes(stream, signal);
    return {
      ...(answer as Pick<AppFetchResponse, 'url' | 'status' | 'headers'>),
      body: read,
      bytes: (limit) => readAll(read, limit),
    };
  };
  return (url, options) => handled(run(url, options));
}

function log(peer: Peer): AppLog {
  const write = (level: keyof AppLog) => (message: string) =>
    peer.notify('log', { level, message: String(message) });
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

function schedule(call: Call): AppSchedule {
  const set = async (key: string, when: Date | number, data: unknown) => {
    // The host encodes the alarm, and checks it.
    requireKey('alarm', key);
    const time = when instanceof Date || typeof when === 'number' ? when : String(when);
    const copy: { data?: unknown } = Object(jsonCopy(`data of alarm "${key}"`, { data }));
    await call('at', [key, time, ...('data' in copy ? [copy.data] : [])]);
  };
  return {
    at: (key, when, data) => handled(set(key, when, data)),
    cancel: (key) => handled(call('cancel', [key]).then(nothing)),
    list: () => call('list', []) as Promise<Alarm[]>,
  };
}

function emit(eventAppId: string, events: EventSchemas, peer: Peer): Emit {
  return (kind, fields?: unknown) => {
    peer.notify('emit', checkedEvent(eventAppId, events, kind, fields));
  };
}

function nothing(): void {}
