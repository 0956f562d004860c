/** Bundles in temporary folders, and hosts that run them. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Bundle, bundle } from '../../../sdk/bundler/bundle.js';
import { thisTarget } from '../../../sdk/bundler/native.js';
import { type RunningProcess, runProcess, startProcess } from '../../support/programs/process.js';

export const BOB = 'sip:bob@domain.test';
export const PSA = 'sip:psa@domain.test';

/** All bundled applications, as in a configuration. */
export const FOUR_APPLICATIONS = [
  'mms.ua',
  'wml.ua',
  {
    use: 'syncml.dm',
    options: { servers: [{ id: 'dm.example', password: 'secret', nonce: 'AQIDBAUGBwg=' }] },
  },
  'dcd.ua',
];

/** A device that trusts and negotiates with the sender. */
export function bob(server: string, more: Record<string, unknown> = {}) {
  return {
    identity: BOB,
    server,
    username: 'bob',
    password: 'bob-password',
    instanceId: 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
    trust: [PSA],
    apps: FOUR_APPLICATIONS,
    fetch: { allow: ['http://127.0.0.1:*'] },
    ...more,
  };
}

export class BundleFolder {
  private constructor(readonly path: string) {}

  static async make(): Promise<BundleFolder> {
    return new BundleFolder(await mkdtemp(join(tmpdir(), 'sip-push-bundle-')));
  }

  async write(name: string, content: unknown): Promise<string> {
    const path = join(this.path, name);
    await mkdir(dirname(path), { recursive: true });
    const plain = typeof content === 'string' || content instanceof Uint8Array;
    await writeFile(path, plain ? content : JSON.stringify(content));
    return path;
  }

  /** Builds a bundle of `config`, and writes it as `host.mjs` with its files. */
  async bundle(config: unknown, platform: 'node' | 'browser' = 'node'): Promise<Bundle> {
    const made = await bundle({
      config: await this.write('config/host.json', config),
      outfile: join(this.path, 'out/host.mjs'),
      platform,
      target: thisTarget(),
      warn: (line) => {
        throw new Error(line);
      },
    });
    for (const [name, bytes] of made.files) await this.write(`out/${name}`, bytes);
    return made;
  }

  /** Runs `node host.mjs` outside of all packages. */
  start(...args: string[]): Promise<RunningProcess> {
    return startProcess(process.execPath, ['out/host.mjs', ...args], { cwd: this.path });
  }

  run(...args: string[]) {
    return runProcess(process.execPath, ['out/host.mjs', ...args], { cwd: this.path, withinMs: 15_000 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.path, { recursive: true, force: true });
  }
}
