/** Sends files in session mode from `sip-push send` to `sip-push host`, each in a separate process. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunningProcess, startProcess } from '../programs/process.js';
import { eventually, JOB_MS } from '../wait.js';
import { BOB, PSA } from './agents.js';

const CLI = fileURLToPath(new URL('../../../dist/sdk/cli/main.js', import.meta.url));
/** Accepts all content, and counts it in the commit. */
const APP = fileURLToPath(new URL('../../faults/files-app.mjs', import.meta.url));
export const MEBIBYTE = 1024 * 1024;
/** Distance between the non-zero bytes in generated content, less than a chunk or memory page. */
const STRIDE = 4093;

export interface Addresses {
  /** Server URIs for the device and the sender. */
  host: string;
  sender: string;
  /** MSRP port of the sender; any free port by default. */
  mediaPort?: number;
  /** Maximum concurrent sessions of the host. */
  sessions?: number;
}

/** An object printed with `--json`. */
export type Printed = Record<string, unknown> & { event: string };

/** A folder with both configurations, the data of the host, and files. */
export class FilePushes {
  readonly #running = new Set<RunningProcess>();

  private constructor(readonly folder: string) {}

  static async prepare({ host, sender, mediaPort, sessions }: Addresses): Promise<FilePushes> {
    const folder = await mkdtemp(join(tmpdir(), 'sip-push-files-'));
    const device = {
      identity: BOB,
      server: host,
      username: 'bob',
      password: 'bob-password',
      trust: [PSA],
      apps: [APP],
      msrp: { sessions },
    };
    const agent = {
      identity: PSA,
      server: sender,
      register: false,
      msrp: { host: '127.0.0.1', ports: mediaPort === undefined ? undefined : `${mediaPort}-${mediaPort}` },
    };
    await writeFile(join(folder, 'bob.json'), JSON.stringify(device));
    await writeFile(join(folder, 'psa.json'), JSON.stringify(agent));
    return new FilePushes(folder);
  }

  /** Resolves when the host is registered. */
  async startHost(): Promise<RunningProcess> {
    const host = await this.#start([], 'host', '--config', 'bob.json', '--json');
    await host.line(/"event":"registered"/);
    return host;
  }

  /** @param files names in the folder. */
  async startSend(files: readonly string[], ...options: string[]): Promise<RunningProcess> {
    return await this.#start(
      ['--import', PRINT_PEAK],
      ...['send', '--config', 'psa.json', '--json', '--mode', 'session', '--to', BOB, '--app', 'files.ua'],
      ...['--type', 'application/octet-stream', ...options, ...files],
    );
  }

  /** Runs `send` to its end. @returns its receipts, exit code and peak memory in bytes. */
  async send(files: readonly string[], ...options: string[]) {
    const running = await this.startSend(files, ...options);
    return await endOfSend(running);
  }

  /** Writes a mostly zero file with distinct bytes throughout. Resolves with its SHA-256. */
  async generate(name: string, size: number): Promise<string> {
    const file = await open(join(this.folder, name), 'w');
    try {
      await file.truncate(size);
      const block = Buffer.alloc(MEBIBYTE);
      for (let at = 0; at < size; at += MEBIBYTE) {
        for (let mark = 0; mark + 4 <= MEBIBYTE; mark += STRIDE) block.writeUInt32BE(at / 256 + mark, mark);
        await file.write(block, 0, Math.min(MEBIBYTE, size - at), at);
      }
    } finally {
      await file.close();
    }
    return await sha256Of(join(this.folder, name));
  }

  /** Resolves with its SHA-256. */
  async write(name: string, bytes: Uint8Array): Promise<string> {
    await writeFile(join(this.folder, name), bytes);
    return createHash('sha256').update(bytes).digest('hex');
  }

  /** Bytes on the host's disk of pending and interrupted transfers. */
  async onDisk(): Promise<number> {
    const folder = join(this.folder, 'data', 'transfers');
    const names = await readdir(folder).catch(() => []);
    const sizes = await Promise.all(names.map((name) => stat(join(folder, name)).then(({ size }) => size)));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#running, (running) => running.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }

  async #start(node: readonly string[], ...words: string[]): Promise<RunningProcess> {
    const running = await startProcess(process.execPath, [...node, CLI, ...words], { cwd: this.folder });
    this.#running.add(running);
    void running.exited.then(() => this.#running.delete(running));
    return running;
  }
}

/** A module that prints the peak memory at exit, because Linux discards it with the process. */
const PRINT_PEAK = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from 'node:fs';
  process.on('exit', () => {
    const [line] = /VmHWM:.*/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    process.stderr.write(line + '\\n');
  });
`)}`;

export async function endOfSend(running: RunningProcess) {
  const { code } = await running.ended(JOB_MS);
  const peak = /VmHWM:\s*(\d+) kB/.exec(running.stderr.join('\n'))?.[1];
  return { code, receipts: printed(running), peak: Number(peak) * 1024, running };
}

/** Peak memory of a running process in bytes. */
export async function peakOf({ pid }: { pid: number }): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1]) * 1024;
}

export function printed({ stdout }: RunningProcess): Printed[] {
  return stdout.map((line) => JSON.parse(line));
}

/** Resolves with the printed objects of an event (and kind) when this number has been printed. */
export function printedEvents(
  running: RunningProcess,
  count: number,
  event: string,
  kind?: string,
): Promise<Printed[]> {
  return eventually(
    () => `${count} times ${event} ${kind ?? ''}; ${running.describe()}`,
    () => {
      const lines = printed(running).filter((line) => line.event === event && line.kind === kind);
      return lines.length >= count ? lines : undefined;
    },
  );
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: MEBIBYTE })) hash.update(chunk);
  return hash.digest('hex');
}
