/**
 * The host process of transfer-kill.slow.test.ts, with store and files on disk, three applications, and a sender that
 * sends files in chunks to each application and resumes interrupted files.
 *
 *   node transfer-host.js FOLDER FILES [before|after OPERATION]   kills itself at this operation of the disk
 *   node transfer-host.js FOLDER FILES full                       the disk is temporarily full
 *
 * Prints `from APP KEY OFFSET` for each file that is sent, `wrote APP KEY END` for each accepted chunk, `accepted APP
 * KEY` or `refused APP KEY KIND` for each outcome, and `received APP KEY` for each push that an application has
 * processed. When the inbox is empty, prints `count APP KEY TIMES` from the storage of each application that commits,
 * `files COUNT`, and `operations COUNT`.
 */

import { execFileSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { platform } from '#platform';
import '#platform/complete';
import type { AppStorage } from '../../../core/app/contract/services.js';
import { PushRuntime, type Transfer } from '../../../core/app/index.js';
import { definePushApp } from '../../../sdk/index.js';
import { clock } from './clock.js';

const CHUNK = 40_000;
const CHUNKS = 4;

const [folder = '', count = '1', phase = '', killAt = '0'] = process.argv.slice(2);
const print = (line: string) => void writeSync(1, `${line}\n`);
// With this listener, a write beyond the limit fails as on a full disk. Without it, the signal ends the process.
process.on('SIGXFSZ', () => {});
const limitFiles = (bytes: string) =>
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:unlimited`]);

/** Content whose bytes depend on the file and on their position. */
function contentOf(key: string): Uint8Array {
  const seed = Number(key.slice('file-'.length)) + 1;
  return new Uint8Array(CHUNK * CHUNKS).map((_, index) => (index * seed) % 251);
}

/** Storages of the applications that commit, by their id. */
const storages = new Map<string, AppStorage>();

/** Counts each push in its commit. If durable, fails the first delivery of files whose name ends in 1. */
const app = (id: string, delivery: 'durable' | 'direct', commits: boolean) =>
  definePushApp({
    id,
    accepts: ['text/plain'],
    order: 'parallel',
    needs: ['storage'],
    delivery,
    start({ storage }) {
      if (commits) storages.set(id, storage);
      return {
        async receive(push) {
          const key = push.fileName ?? '';
          const bytes = await push.content.bytes(CHUNK * CHUNKS);
          if (Buffer.compare(bytes, contentOf(key)) !== 0) print(`WRONG ${id} ${key}`);
          if (delivery === 'durable' && push.attempt === 1 && key.endsWith('1')) throw new Error('not yet');
          const times = Number((await storage.get(key)) ?? 0);
          if (commits) await push.commit((tx) => tx.put(key, times + 1));
          print(`received ${id} ${key}`);
        },
      };
    },
  });

let operations = 0;
/** Runs an operation of the disk, and kills the process before or after operation number `killAt`. */
async function operation<T>(task: () => Promise<T>): Promise<T> {
  const last = ++operations === Number(killAt);
  // A slow disk reveals code that does not wait for it.
  await new Promise((resolve) => setTimeout(resolve, 2));
  if (last && phase === 'before') process.kill(process.pid, 'SIGKILL');
  const result = await task();
  if (last) process.kill(process.pid, 'SIGKILL');
  return result;
}

const store = await platform.openStore(join(folder, 'store'));
const batch = store.batch.bind(store);
Object.defineProperty(store, 'batch', {
  value: (...args: unknown[]) => operation(() => Reflect.apply(batch, undefined, args)),
});
const { openFolder } = platform;
platform.openFolder = async (path) => {
  const opened = await openFolder(path);
  const edit = opened.edit.bind(opened);
  const remove = opened.remove.bind(opened);
  opened.edit = async (name) => {
    const file = await edit(name);
    return {
      size: file.size,
      write: (chunks, at) => operation(() => file.write(chunks, at)),
      read: (at, length) => file.read(at, length),
      truncate: (size) => operation(() => file.truncate(size)),
      sync: () => operation(() => file.sync()),
      close: () => file.close(),
    };
  };
  opened.remove = (name) => operation(() => remove(name));
  return opened;
};

const runtime = await PushRuntime.open({
  store,
  clock,
  transfers: join(folder, 'transfers'),
  log: ({ message }) => process.stderr.write(`${message}\n`),
});
const ids = ['commit.ua', 'direct.ua', 'plain.ua'];
await runtime.load(app('commit.ua', 'durable', true));
await runtime.load(app('direct.ua', 'direct', true));
await runtime.load(app('plain.ua', 'durable', false));
await runtime.start();

if (phase === 'full') {
  // The disk accepts the chunks of each file up to the limit.
  limitFiles(String(CHUNK * 2));
  for (const id of ids) await send(id, 'file-0');
  limitFiles('unlimited');
}
for (let index = 0; index < Number(count); index++) {
  const key = `file-${index}`;
  if (index % 2 === 0) for (const id of ids) await send(id, key);
  else await Promise.all(ids.map((id) => send(id, key)));
}
while (await inboxHolds()) await new Promise((resolve) => setTimeout(resolve, 5));
for (const [id, storage] of storages) {
  for await (const [key, times] of storage.entries()) print(`count ${id} ${key} ${times}`);
}
await runtime.stop();
await store.close();
print(`files ${(await readdir(join(folder, 'transfers'))).length}`);
print(`operations ${operations}`);

/** The key is the same in every run, as from a sender that retries. */
async function send(id: string, key: string): Promise<void> {
  const app = runtime.resolve([id], 'text/plain');
  if (typeof app === 'string') throw new Error(app);
  const content = contentOf(key);
  const answer = await runtime.transfer({
    app,
    key: `${id} ${key}`,
    from: 'sip:psa@domain.test',
    to: 'sip:bob@domain.test',
    type: { type: 'text/plain', parameters: {} },
    headers: {},
    fileName: key,
    size: content.length,
    sha1: platform.hash('sha-1', content),
    resumable: true,
  });
  if ('refused' in answer) return print(`refused ${id} ${key} ${answer.refused.kind}`);
  if ('transfer' in answer) {
    print(`from ${id} ${key} ${answer.transfer.have}`);
    const refused = await sendAll(answer.transfer, id, key, content);
    if (refused) return print(`refused ${id} ${key} ${refused}`);
  }
  print(`accepted ${id} ${key}`);
}

/** For plain.ua, sends every second chunk before the first of its pair. */
async function sendAll(transfer: Transfer, id: string, key: string, content: Uint8Array) {
  const write = async (at: number) => {
    const bytes = content.subarray(at, at + CHUNK);
    await transfer.write(at, bytes);
    print(`wrote ${id} ${key} ${at + bytes.length}`);
  };
  try {
    for (let at = transfer.have; at < content.length; at += 2 * CHUNK) {
      if (id === 'plain.ua' && at + CHUNK < content.length) await write(at + CHUNK);
      await write(at);
      if (id !== 'plain.ua' && at + CHUNK < content.length) await write(at + CHUNK);
    }
  } catch (error) {
    await transfer.abort(error instanceof Error ? error : new Error(String(error)));
  }
  const outcome = await transfer.complete(content.length);
  return outcome.accepted ? undefined : outcome.kind;
}

/** Whether a push waits for its application. */
async function inboxHolds(): Promise<boolean> {
  const entries = await store.values({ gte: 'push/entry/', lt: 'push/entry0' }).all();
  return entries.some((entry) => JSON.parse(entry).state === 'received');
}
