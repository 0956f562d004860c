/**
 * A run of a schedule of faults: `sip-push host` and `sip-push sender` in processes of their own, and pushes that are
 * submitted to the HTTP API of the sender until both ends have been killed as often as the schedule says. Then all pushes
 * end without faults, and one check compares the receipts with what the application has committed.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseEndpoint } from '../../core/sip/transport/transport-uri.js';
import { SenderClient } from '../../sdk/http-api/client.js';
import { startNetwork } from '../../sdk/network/index.js';
import { BOB, bob, CLI, Folder, lineOf, linesOf, PSA, psa, USERS } from '../cli/sip-push.js';
import { freePort } from '../support/programs/ports.js';
import { type RunningProcess, startProcess } from '../support/programs/process.js';
import { integer, randomFrom } from '../support/random.js';
import { eventually, JOB_MS } from '../support/wait.js';
import { FaultyLinks } from './faulty-links.js';
import type { End, Life, Schedule } from './schedule.js';

const FAULTY = fileURLToPath(new URL('./faulty-process.mjs', import.meta.url));
const APP = fileURLToPath(new URL('./counting-app.mjs', import.meta.url));
const KEY = 'a-key-of-some-length';
/** Pushes at the same time, so that kills interrupt pushes at every stage. Those that a kill delays are not counted. */
const CONCURRENT = 8;
/** Seconds that a push is retried, longer than the date is changed. */
const TTL = 7 * 24 * 3600;
const MOST_CHARACTERS = 20_000;
const NO_FAULTS: Life = { date: 0 };

/** The results of a run, and its problems. */
export interface RunReport {
  kills: Record<End, number>;
  faults: { dropped: number; doubled: number; reset: number; step: number; full: number };
  /** Pushes that the sender's API has accepted, and those whose receipt is `delivered`. */
  accepted: number;
  delivered: number;
  /** Pushes with another receipt. */
  failed: string[];
  /** Delivered pushes that the application does not have. */
  lost: string[];
  /** Pushes that the application has committed more than once. */
  twice: string[];
  /** Log lines of the host about confirmed pushes that it refused afterwards. */
  refused: string[];
  /** Contents that the application has, and that are not of a delivered push. */
  unknown: string[];
}

export class FaultRun {
  readonly #ended: RunningProcess[] = [];
  readonly #running: Partial<Record<End, RunningProcess>> = {};
  /** Outcomes of the receipts of each push, by what the application counts. */
  readonly #receipts = new Map<string, string[]>();
  /** Pushes that no kill has delayed. */
  readonly #undelayed = new Set<string>();
  readonly #kills: Record<End, number> = { host: 0, sender: 0 };
  readonly #client: SenderClient;
  readonly #random: () => number;
  #serial = 0;
  #over = false;
  #broken = false;

  private constructor(
    private readonly schedule: Schedule,
    private readonly folder: Folder,
    private readonly links: FaultyLinks,
    url: string,
  ) {
    this.#client = new SenderClient(url, KEY);
    this.#random = randomFrom(schedule.seed);
  }

  static async of(schedule: Schedule): Promise<RunReport> {
    const closing: (() => Promise<unknown>)[] = [];
    try {
      const users = { bob: { password: USERS.bob }, psa: { password: USERS.psa } };
      const core = await startNetwork({ users, watchers: [PSA] });
      closing.push(() => core.close());
      const [udp = 0, tcp = 0] = core.uris.map((uri) => parseEndpoint(uri).port);
      const links = await FaultyLinks.start(schedule, { udp, tcp });
      closing.push(() => links.close());
      const folder = await Folder.make();
      closing.push(() => folder.remove());
      const api = await freePort();
      await writeConfigurations(folder, schedule, links, api);
      const run = new FaultRun(schedule, folder, links, `http://127.0.0.1:${api}`);
      closing.push(() => run.#stop());
      return await run.#run();
    } finally {
      for (const close of closing.reverse()) await close();
    }
  }

  async #run(): Promise<RunReport> {
    const submitting = this.#submit();
    const living = Promise.all([this.#live('host'), this.#live('sender')]).finally(() => {
      this.#over = true;
      this.links.calm();
    });
    try {
      await Promise.all([living, submitting]);
    } catch (error) {
      this.#broken = true;
      await Promise.allSettled([living, submitting]);
      throw error;
    }
    await this.#end('host');
    // The host delivers what it has confirmed, and retrieves references from the sender.
    const delivering = await this.#start('host', NO_FAULTS);
    const names = this.#delivered();
    await eventually('all delivered pushes', async () => {
      const counts = countsOf(delivering);
      return names.every((name) => counts[name] !== undefined) || undefined;
    }).catch(() => undefined);
    await this.#end('host');
    const last = await this.#start('host', NO_FAULTS);
    await lineOf(last, 'registered');
    return this.#report(countsOf(last));
  }

  /** Runs each life of an end to its kill, and then one without faults. */
  async #live(end: End): Promise<void> {
    for (const life of this.schedule.lives[end]) {
      const running = await this.#start(end, life);
      const { signal } = await running.ended(JOB_MS);
      if (signal !== 'SIGKILL') throw new Error(`the ${end} ended by itself: ${running.describe()}`);
      this.#kills[end]++;
      this.#undelayed.clear();
    }
    await lineOf(await this.#start(end, NO_FAULTS), 'registered');
  }

  async #start(end: End, life: Life): Promise<RunningProcess> {
    const args = ['--import', FAULTY, CLI, end, '--config', `${end}.json`, '--json'];
    const env = { ...process.env, SIP_PUSH_LIFE: JSON.stringify(life) };
    const running = await startProcess(process.execPath, args, { cwd: this.folder.path, env });
    this.#running[end] = running;
    this.#ended.push(running);
    return running;
  }

  async #end(end: End): Promise<void> {
    const running = this.#running[end];
    running?.kill('SIGTERM');
    const ending = await running?.exited;
    if (ending?.code !== 0) throw new Error(`the ${end} did not end: ${running?.describe()}`);
  }

  async #stop(): Promise<void> {
    this.#over = true;
    for (const running of Object.values(this.#running)) await running.stop();
  }

  /** Submits pushes while both ends are killed and restarted, and waits for their receipts. */
  async #submit(): Promise<void> {
    const pushes: Promise<void>[] = [];
    while (!this.#over) {
      if (this.#undelayed.size < CONCURRENT) pushes.push(this.#push(this.#serial++));
      else await pause(5);
    }
    await Promise.all(pushes);
  }

  /** Submits a push, and waits for its receipts. The sender is killed in between, so that requests are repeated. */
  async #push(number: number): Promise<void> {
    const first = `push ${number}`;
    const padding = this.schedule.mode === 'pager' ? 0 : integer(this.#random, 0, MOST_CHARACTERS);
    const text = `${first}\n${'content '.repeat(padding / 'content '.length)}`;
    const name = `${first}, ${text.length} characters`;
    this.#undelayed.add(name);
    const { mode } = this.schedule;
    const content = { type: 'text/plain', text };
    const push = { to: BOB, app: 'count.ua', mode, ttl: TTL, content };
    const { id } = await this.#answered(`the submission of ${name}`, () => this.#client.submit(push, first));
    const outcomes = await this.#answered(`the end of ${name}, ${id}`, async () => {
      const found: string[] = [];
      for await (const { outcome, reason } of this.#client.receipts(id))
        found.push(outcome === 'delivered' ? outcome : `${outcome}: ${reason}`);
      return found;
    });
    this.#receipts.set(name, outcomes);
    this.#undelayed.delete(name);
  }

  #answered<T>(what: string, request: () => Promise<T>): Promise<T> {
    const attempt = async () => {
      if (this.#broken) throw new Error(`the run broke off before ${what}`);
      return await request().catch(() => undefined);
    };
    return eventually(() => `${what}; ${this.#running.sender?.describe()}`, attempt, JOB_MS);
  }

  #delivered(): string[] {
    return [...this.#receipts].flatMap(([name, outcomes]) => (isDelivered(outcomes) ? name : []));
  }

  #report(counts: Record<string, number>): RunReport {
    const names = new Set(this.#delivered());
    const reported = (fault: string) =>
      this.#ended.flatMap(({ stderr }) => stderr.filter((line) => line === `fault: ${fault}`)).length;
    return {
      kills: this.#kills,
      faults: { ...this.links.counts, step: reported('step'), full: reported('full') },
      accepted: this.#receipts.size,
      delivered: names.size,
      failed: [...this.#receipts].flatMap(([name, outcomes]) =>
        isDelivered(outcomes) ? [] : `${name}: ${outcomes.join(', ')}`,
      ),
      refused: this.#ended.flatMap(({ stderr }) =>
        stderr.filter((line) => line.includes('was confirmed, but')),
      ),
      lost: [...names].filter((name) => counts[name] === undefined),
      twice: Object.keys(counts).filter((name) => (counts[name] ?? 0) > 1),
      unknown: Object.keys(counts).filter((name) => !names.has(name)),
    };
  }
}

function isDelivered(outcomes: readonly string[]): boolean {
  return outcomes.length > 0 && outcomes.every((outcome) => outcome === 'delivered');
}

/** What the application has counted, as it has printed it. */
function countsOf(host: RunningProcess): Record<string, number> {
  const lines = linesOf(host).filter(({ event, kind }) => event === 'app' && kind === 'counts');
  return Object.assign({}, ...lines.map(({ counts }) => counts));
}

async function writeConfigurations(folder: Folder, schedule: Schedule, links: FaultyLinks, api: number) {
  const { media, publish, servers } = links;
  await folder.write('host.json', {
    ...bob(servers.host),
    store: 'level',
    apps: [schedule.isolation === 'worker' ? { use: APP, isolation: 'worker' } : APP],
    fetch: { allow: ['http://127.0.0.1:*'] },
  });
  await folder.write('sender.json', {
    ...psa(servers.sender),
    watch: [BOB],
    api: { port: api, key: KEY },
    msrp: { host: '127.0.0.1', ports: `${media.port}-${media.port}` },
    publish: { port: publish.port, url: `http://127.0.0.1:${publish.proxy}` },
  });
}
