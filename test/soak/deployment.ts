/** The three processes of a soak: a core, a device with durable applications, and a sender with its HTTP API. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SenderClient } from '../../sdk/http-api/client.js';
import { freePorts } from '../support/programs/ports.js';
import type { Counts } from './counting-app.mjs';
import { type Line, MeasuredProcess } from './measured-process.js';
import type { ProcessValues } from './samples.js';

export const MODES = ['pager', 'session', 'indirect'] as const;
export type Mode = (typeof MODES)[number];

const BOB = 'sip:bob@domain.test';
const PSA = 'sip:psa@domain.test';
const USERS = { bob: 'bob-password', psa: 'psa-password' };
const KEY = 'a-key-of-some-length';
const APP = new URL('counting-app.mjs', import.meta.url).href;

/** The application that receives the pushes of a mode. */
export const appOf = (mode: Mode) => `soak-${mode}.ua`;

export interface Quotas {
  /** Bytes of the host for finished pushes. */
  finishedBytes: number;
  /** Contents that the sender publishes. */
  publications: number;
}

export class Deployment {
  readonly user = BOB;
  /** Events that no push should cause: refusals, retries, dead letters, damage. */
  readonly client: SenderClient;
  #host: MeasuredProcess;

  private constructor(
    readonly folder: string,
    private readonly network: MeasuredProcess,
    host: MeasuredProcess,
    private readonly sender: MeasuredProcess,
    api: number,
  ) {
    this.#host = host;
    this.client = new SenderClient(`http://127.0.0.1:${api}`, KEY);
  }

  static async start({ finishedBytes, publications }: Quotas): Promise<Deployment> {
    const folder = await mkdtemp(join(tmpdir(), 'sip-push-soak-'));
    const write = (name: string, value: unknown) =>
      writeFile(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
    await write('users.json', { users: USERS, watchers: [PSA] });
    const network = new MeasuredProcess('network', folder, ['network', '--users', 'users.json', '--json']);
    const { uris } = await network.next('listening');
    const server = (uris as string[]).find((uri) => uri.includes('tcp'));
    for (const mode of MODES) {
      const text = `import { countingApp } from '${APP}';\nexport default countingApp('${appOf(mode)}');\n`;
      await write(`${mode}.mjs`, text);
    }
    await write('bob.json', {
      identity: BOB,
      server,
      username: 'bob',
      password: USERS.bob,
      trust: [PSA],
      apps: MODES.map((mode) => `./${mode}.mjs`),
      data: './bob-data',
      finishedBytes,
      fetch: { allow: ['http://127.0.0.1:*'] },
    });
    const [api = 0, media = 0, publish = 0] = await freePorts(3);
    await write('psa.json', {
      identity: PSA,
      server,
      username: 'psa',
      password: USERS.psa,
      watch: [BOB],
      data: './psa-data',
      api: { port: api, key: KEY },
      msrp: { ports: `${media}-${media}` },
      publish: { port: publish, count: publications },
    });
    const host = await startHost(folder);
    const sender = new MeasuredProcess(
      'sender',
      folder,
      ['sender', '--config', 'psa.json', '--json'],
      'psa-data',
    );
    await sender.next('registered');
    return new Deployment(folder, network, host, sender, api);
  }

  get processes(): MeasuredProcess[] {
    return [this.#host, this.sender, this.network];
  }

  async values(): Promise<Record<string, ProcessValues>> {
    const each = this.processes.map(async (process) => [process.name, await process.values()] as const);
    return Object.fromEntries(await Promise.all(each));
  }

  /** Restarts the host, so that its applications answer from what is on disk. */
  async restartHost(): Promise<void> {
    await this.#host.stop();
    this.#host = await startHost(this.folder);
  }

  /** The counts of the application of this mode, among the first pushes. */
  async counts(mode: Mode, until: number): Promise<Counts> {
    const command = `${appOf(mode)} counts ${until}`;
    const isAnswer = ({ line }: Line) => line === command;
    const answer = this.#host.next('answer', isAnswer);
    this.#host.write(command);
    const { answer: counts, error } = await answer;
    if (error !== undefined) throw new Error(`${command}: ${error}`);
    return counts as Counts;
  }

  /** Stops the processes. @returns the endings of those that did not exit with 0. */
  async stop(): Promise<string[]> {
    const endings: string[] = [];
    for (const process of [this.sender, this.#host, this.network]) {
      const ending = await process.stop();
      if (ending !== '0') endings.push(`${process.name} ended with ${ending}`);
    }
    return endings;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function startHost(folder: string): Promise<MeasuredProcess> {
  const args = ['host', '--config', 'bob.json', '--json', '--console'];
  const host = new MeasuredProcess('host', folder, args, 'bob-data');
  await host.next('registered');
  return host;
}
