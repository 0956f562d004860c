/**
 * The host and the sender are killed (SIGKILL) repeatedly while pushes are submitted to the HTTP API of the sender: between
 * a commit and its answer, and between an answer and its receipt. Each push has a receipt, and takes effect exactly once.
 */

import { afterEach, beforeEach, expect, it } from 'vitest';
import { type PushState, SenderClient } from '../../sdk/http-api/client.js';
import type { PushBody } from '../../sdk/http-api/schemas.js';
import { BOB, bob, Folder, lineOf, linesOf, psa, startNetworkProcess } from '../cli/sip-push.js';
import { freePort } from '../support/programs/ports.js';
import type { RunningProcess } from '../support/programs/process.js';
import { scale } from '../support/scale.js';
import { eventually, JOB_MS } from '../support/wait.js';

const KEY = 'a-key-of-some-length';
const KILLS = scale(8, 60);
/** Concurrent submissions, so that kills interrupt pushes at every stage. */
const SUBMITTERS = 8;
/** Receipts between two kills. */
const BETWEEN = 12;

/** Counts each content in the commit of its push, and emits all counts at the start. */
const APP = `export default { id: 'count.ua', accepts: ['text/plain'], needs: ['storage'], order: 'parallel',
  events: { counts: true },
  async start({ storage, emit }) {
    const counts = {};
    for await (const [key, value] of storage.entries()) counts[key] = value;
    emit('counts', { counts });
    return { async receive(push) {
      const key = (await push.text()).trim();
      const before = (await storage.get(key)) ?? 0;
      await push.commit((tx) => tx.put(key, before + 1));
    } };
  } };`;

let folder: Folder;
let core: Awaited<ReturnType<typeof startNetworkProcess>>;
let url: string;
let client: SenderClient;
const running: RunningProcess[] = [];

beforeEach(async () => {
  folder = await Folder.make();
  core = await startNetworkProcess(folder);
  const [api, media, publish] = [await freePort(), await freePort(), await freePort()];
  await folder.write('count.mjs', APP);
  await folder.write('psa.json', {
    ...psa(core.tcp),
    watch: [BOB],
    api: { port: api, key: KEY },
    msrp: { ports: `${media}-${media}` },
    publish: { port: publish },
  });
  url = `http://127.0.0.1:${api}`;
  client = new SenderClient(url, KEY);
});
afterEach(async () => {
  for (const each of running.splice(0).reverse()) await each.stop();
  await core.running.stop();
  await folder.remove();
});

async function start(command: string, config: string): Promise<RunningProcess> {
  const started = await folder.startProcess(command, '--config', config, '--json');
  running.push(started);
  await lineOf(started, 'registered');
  return started;
}

/** Repeats a request to the sender until it is answered: it is killed in between. */
const answered = <T>(request: () => Promise<T>): Promise<T> =>
  eventually('an answer of the sender', () => request().catch(() => undefined), JOB_MS);

const stateOf = (id: string): Promise<PushState> =>
  answered(async () => {
    const headers = { authorization: `Bearer ${KEY}` };
    const answer = await fetch(`${url}/pushes/${id}`, { headers });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return (await answer.json()) as PushState;
  });

it.each<[mode: PushBody['mode'], isolation: string]>([
  ['pager', 'none'],
  ['pager', 'worker'],
  ['session', 'none'],
  ['indirect', 'none'],
])('8.1.1-03, 8.1.1-05: a push in mode %s, isolation %s', async (mode, isolation) => {
  const apps = [isolation === 'worker' ? { use: './count.mjs', isolation } : './count.mjs'];
  const fetching = { allow: ['http://127.0.0.1:*'] };
  await folder.write('bob.json', { ...bob(core.tcp), store: 'level', apps, fetch: fetching });
  let host = await start('host', 'bob.json');
  let sender = await start('sender', 'psa.json');
  const ids = new Map<string, string>();
  const states = new Map<string, PushState>();
  let serial = 0;
  let over = false;

  const submit = async () => {
    while (!over) {
      const text = `push ${serial++}`;
      const push: PushBody = {
        to: BOB,
        app: 'count.ua',
        mode,
        ttl: 600,
        content: { type: 'text/plain', text },
      };
      const { id } = await answered(() => client.submit(push, text));
      ids.set(text, id);
      const state = await eventually(
        () => `the end of ${text}, ${id}`,
        async () => {
          const current = await stateOf(id);
          return current.state === 'waiting' ? undefined : current;
        },
        JOB_MS,
      );
      states.set(text, state);
    }
  };
  const submitters = Array.from({ length: SUBMITTERS }, submit);
  for (let kill = 0; kill < KILLS; kill++) {
    const enough = states.size + BETWEEN;
    await eventually(`${enough} receipts`, () => states.size >= enough || undefined, JOB_MS);
    const killed = kill % 2 === 0 ? host : sender;
    killed.kill('SIGKILL');
    await killed.exited;
    if (killed === host) host = await start('host', 'bob.json');
    else sender = await start('sender', 'psa.json');
  }
  over = true;
  await Promise.all(submitters);

  host.kill('SIGTERM');
  expect((await host.exited).code).toBe(0);
  const last = await start('host', 'bob.json');
  const { counts } = await eventually('the counts', () =>
    linesOf(last).find(({ event, kind }) => event === 'app' && kind === 'counts'),
  );
  const failed = [...states].filter(([, { receipts }]) =>
    receipts.some(({ outcome }) => outcome !== 'delivered'),
  );
  expect(failed).toEqual([]);
  expect(counts).toEqual(Object.fromEntries([...ids.keys()].map((text) => [text, 1])));
  expect(ids.size).toBeGreaterThan(KILLS * BETWEEN);
});
