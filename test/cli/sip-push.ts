/** Runs `sip-push` in a temporary folder, in this process or as the built command in a separate process. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunningCommand } from '../support/programs/command.js';
import { type RunningProcess, runProcess, startProcess } from '../support/programs/process.js';
import type { Running } from '../support/programs/running.js';
import { eventually, PATIENCE_MS } from '../support/wait.js';

export const CLI = fileURLToPath(new URL('../../dist/sdk/cli/main.js', import.meta.url));
export const DOMAIN = 'domain.test';
export const BOB = `sip:bob@${DOMAIN}`;
export const PSA = `sip:psa@${DOMAIN}`;
export const USERS = { bob: 'bob-password', psa: 'psa-password' };

/** A printed line of `--json`. */
export type Line = Record<string, unknown> & { event: string };

/** Folders in which commands run in this process. */
const busy = new Set<string>();

export class Folder {
  readonly #commands = new Set<RunningCommand>();

  private constructor(readonly path: string) {}

  static async make(): Promise<Folder> {
    return new Folder(await mkdtemp(join(tmpdir(), 'sip-push-cli-')));
  }

  /** Writes a file; values other than text and bytes are written as JSON. Resolves with its name. */
  async write(name: string, content: unknown): Promise<string> {
    const path = join(this.path, name);
    await mkdir(dirname(path), { recursive: true });
    const plain = typeof content === 'string' || content instanceof Uint8Array;
    await writeFile(path, plain ? content : JSON.stringify(content));
    return name;
  }

  /** Runs a command in this process to its end. */
  async run(...args: string[]) {
    const running = await this.start(...args);
    running.stdin.end();
    const ending = await running.ended();
    return { ...ending, stdout: running.stdout.join('\n'), stderr: running.stderr.join('\n') };
  }

  /** Starts a command in this process, which changes into the folder until the command ends. */
  async start(...args: string[]): Promise<RunningCommand> {
    const [other] = [...busy].filter((path) => path !== this.path);
    if (other !== undefined) throw new Error(`a command runs in ${other}: this process cannot leave it`);
    process.chdir(this.path);
    const running = new RunningCommand(args);
    this.#commands.add(running);
    busy.add(this.path);
    void running.exited.then(() => {
      this.#commands.delete(running);
      if (this.#commands.size === 0) busy.delete(this.path);
    });
    return running;
  }

  /** Runs a command in a separate process to its end. */
  runProcess(...args: string[]) {
    return this.runFor(PATIENCE_MS, ...args);
  }

  runFor(withinMs: number, ...args: string[]) {
    return runProcess(process.execPath, [CLI, ...args], { cwd: this.path, withinMs });
  }

  /** Starts a command in a separate process. */
  startProcess(...args: string[]): Promise<RunningProcess> {
    return startProcess(process.execPath, [CLI, ...args], { cwd: this.path });
  }

  async remove(): Promise<void> {
    await Promise.all(Array.from(this.#commands, (running) => running.stop()));
    if (process.cwd() === this.path) process.chdir(tmpdir());
    await rm(this.path, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }
}

/** The printed events so far; throws on a line that is not a JSON object. */
export function linesOf({ stdout }: { stdout: string | readonly string[] }): Line[] {
  const lines = typeof stdout === 'string' ? stdout.split('\n') : stdout;
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

/** The first line with this event and these values, including earlier lines. Rejects if the command ends before. */
export async function lineOf(
  running: Running,
  event: string,
  values: Record<string, unknown> = {},
): Promise<Line> {
  const find = () =>
    linesOf(running).find(
      (line) => line.event === event && Object.entries(values).every(([name, value]) => line[name] === value),
    );
  const what = `${event} ${JSON.stringify(values)}`;
  let over = false;
  void running.exited.then(() => {
    over = true;
  });
  return await eventually(
    () => `${what}; ${running.describe()}`,
    () => {
      const found = find();
      if (!found && over) throw new Error(`ended without ${what}: ${running.describe()}`);
      return found;
    },
  );
}

/** `sip-push network --json` on free ports, with the users bob and psa. */
export async function startNetworkCommand(folder: Folder, ...args: string[]) {
  await folder.write('users.json', { users: USERS, watchers: [PSA] });
  return await listening(await folder.start(...NETWORK, ...args));
}

/** The same in a separate process. */
export async function startNetworkProcess(folder: Folder) {
  await folder.write('users.json', { users: USERS, watchers: [PSA] });
  return await listening(await folder.startProcess(...NETWORK));
}

const NETWORK = ['network', '--users', 'users.json', '--json'];

async function listening<R extends Running>(running: R) {
  const { uris } = await lineOf(running, 'listening');
  const [udp = '', tcp = ''] = uris as string[];
  return { running, udp, tcp };
}

/** The configuration of a device that trusts the sender. */
export function bob(server: string) {
  return {
    identity: BOB,
    server,
    username: 'bob',
    password: USERS.bob,
    trust: [PSA],
    apps: ['mms.ua'],
    store: 'memory',
  };
}

export function psa(server: string) {
  return { identity: PSA, server, username: 'psa', password: USERS.psa };
}
