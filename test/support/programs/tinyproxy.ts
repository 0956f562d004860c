/** Debian's tinyproxy: an HTTP proxy on a port of 127.0.0.1. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerCommand } from './peers.js';
import { freePort } from './ports.js';
import { type RunningProcess, startProcess } from './process.js';

export interface TinyproxyOptions {
  /** The credentials that it requires. */
  user?: { name: string; password: string };
}

export class Tinyproxy {
  private constructor(
    readonly port: number,
    private readonly process: RunningProcess,
    private readonly folder: string,
  ) {}

  static async start({ user }: TinyproxyOptions = {}): Promise<Tinyproxy> {
    const folder = await mkdtemp(join(tmpdir(), 'sip-push-tinyproxy-'));
    const port = await freePort();
    const lines = [`Port ${port}`, 'Listen 127.0.0.1', 'Allow 127.0.0.1', 'LogLevel Info'];
    if (user) lines.push(`BasicAuth ${user.name} ${user.password}`);
    const file = join(folder, 'tinyproxy.conf');
    await writeFile(file, `${lines.join('\n')}\n`);
    const process = await startProcess(peerCommand('tinyproxy'), ['-d', '-c', file]);
    await process.line(/Accepting connections/);
    return new Tinyproxy(port, process, folder);
  }

  /** The requests that it received: `CONNECT localhost:443 HTTP/1.1`. */
  get requests(): string[] {
    const lines = [...this.process.stdout, ...this.process.stderr];
    return lines.flatMap((line) => /Request \(.*?\): (.*)/.exec(line)?.[1] ?? []);
  }

  async stop(): Promise<void> {
    await this.process.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
