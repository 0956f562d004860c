/** A folder with the package installed from its tarball, with its dependencies. */

import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProcess } from '../support/programs/process.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PACK_MS = 60_000;

interface Lock {
  packages: Readonly<Record<string, { dev?: boolean; devOptional?: boolean }>>;
}

export class Consumer {
  private constructor(readonly path: string) {}

  /** Requires the built package. Copies the dependencies, so that modules of this repository are not found. */
  static async make(): Promise<Consumer> {
    const consumer = new Consumer(await mkdtemp(join(tmpdir(), 'sip-push-consumer-')));
    await consumer.write('package.json', JSON.stringify({ private: true, type: 'module' }));
    await consumer.#install();
    return consumer;
  }

  async write(name: string, text: string): Promise<string> {
    const path = join(this.path, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    return path;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.path, { recursive: true, force: true });
  }

  async #install(): Promise<void> {
    const pack = ['pack', '--ignore-scripts', '--json', '--loglevel=error', '--pack-destination', this.path];
    const packed = await runProcess('npm', pack, { cwd: ROOT, withinMs: PACK_MS });
    if (packed.code !== 0) throw new Error(packed.stderr);
    const [{ filename }] = JSON.parse(packed.stdout);
    const home = join(this.path, 'node_modules/sip-push');
    await mkdir(home, { recursive: true });
    const unpack = [
      '--extract',
      '--file',
      join(this.path, filename),
      '--strip-components=1',
      '--directory',
      home,
    ];
    const unpacked = await runProcess('tar', unpack, { withinMs: PACK_MS });
    if (unpacked.code !== 0) throw new Error(unpacked.stderr);
    const { packages }: Lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'));
    for (const [path, { dev, devOptional }] of Object.entries(packages)) {
      // Optional packages for other platforms are not installed.
      if (path === '' || dev || devOptional || !existsSync(join(ROOT, path))) continue;
      await cp(join(ROOT, path), join(this.path, path), { recursive: true });
    }
  }
}
