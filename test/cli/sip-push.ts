/** `sip-push` as users run it: the built command, in a process of its own, in a folder of its own. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunningProcess, runProcess, startProcess } from '../support/process.js';
import { eventually, PATIENCE_MS } from '../support/wait.js';

export const CLI = fileURLToPath(new URL('../../dist/sdk/cli/main.js', import.meta.url));
export const DOMAIN = 'domain.test';
export const BOB = `sip:bob@${DOMAIN}`;
export const PSA = `sip:psa@${DOMAIN}`;
export const USERS = { bob: 'bob-password', psa: 'psa-password' };

/** One JSON object a line, as `--json` prints them. */
export type Line = Record<string, unknown> & { event: string };

export class Folder {
  private constructor(readonly path: string) {}

  static async make(): Promise<Folder> {
    return new Folder(await mkdtemp(join(tmpdir(), 'sip-push-cli-')));
  }

  /** Writes a file; what is no text is written as JSON. Resolves with its name. */
  async write(name: string, content: unknown): Promise<string> {
    const path = join(this.path, name);
    await mkdir(dirname(path), { recursive: true });
    const plain = typeof content === 'string' || content instanceof Uint8Array;
    await writeFile(path, plain ? content : JSON.stringify(content));
    return name;
  }

  /** Runs to its end. */
  run(...args: string[]) {
    return this.runFor(PATIENCE_MS, ...args);
  }

  runFor(withinMs: number, ...args: string[]) {
    return runProcess(process.execPath, [CLI, ...args], { cwd: this.path, withinMs });
  }

  start(...args: string[]): Promise<RunningProcess> {
    return startProcess(process.execPath, [CLI, ...args], { cwd: this.path });
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }
}

/** What it printed so far; throws at a line that is no JSON object. */
export function linesOf({ stdout }: { stdout: string | readonly string[] }): Line[] {
  const lines = typeof stdout === 'string' ? stdout.split('\n') : stdout;
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

/** The first line with this event (and these values), also one that came already. */
export function lineOf(running: RunningProcess, event: string, values: Record<string, unknown> = {}) {
  return eventually(`${event} ${JSON.stringify(values)}; ${running.describe()}`, () =>
    linesOf(running).find(
      (line) => line.event === event && Object.entries(values).every(([name, value]) => line[name] === value),
    ),
  );
}

/** `sip-push network --json` on free ports, with the users bob and psa. */
export async function startNetworkCommand(folder: Folder, ...args: string[]) {
  await folder.write('users.json', { users: USERS, watchers: [PSA] });
  const running = await folder.start('network', '--users', 'users.json', '--json', ...args);
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
