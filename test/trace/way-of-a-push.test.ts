/** A push enters no more files than its limits allow, and the script counts correctly. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runProcess } from '../support/programs/process.js';

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const WITHIN = 90_000;

const trace = (...options: string[]) =>
  runProcess(process.execPath, [script('way-of-a-push.mjs'), ...options], { withinMs: WITHIN });

describe('the path of a push', () => {
  it(
    'enters at most 45 files for a MESSAGE of 300 bytes, at most 85 for a session of 3 MB',
    async () => {
      const { code, stdout, stderr } = await trace('--list');
      expect(stderr).toBe('');
      expect(stdout).toMatch(/^MESSAGE of 300 bytes: \d+ functions in \d+ files, at most 45$/m);
      expect(stdout).toMatch(/^session of 3 MB: \d+ functions in \d+ files, at most 85$/m);
      expect(code, stdout).toBe(0);
    },
    WITHIN,
  );

  it(
    'fails when a count exceeds its limit',
    async () => {
      const { code, stdout } = await trace('--message', '1', '--session', '1000');
      expect(stdout).toMatch(/^MESSAGE of 300 bytes: \d+ files exceed the limit of 1$/m);
      expect(stdout.match(/exceed/g)).toHaveLength(1);
      expect(code).toBe(1);
    },
    WITHIN,
  );
});

const CLASSES = `
  export class Base {
    static made = 0;
    static { Base.made = 1; }
    #kind = 'base';
    get kind() { return this.#kind; }
  }
  export class Derived extends Base {
    constructor() { super(); this.shout = () => this.kind.toUpperCase(); }
  }
`;

const PROGRAM = `
  import { EnteredFiles } from ${JSON.stringify(pathToFileURL(script('entered-files.mjs')))};
  const entered = new EnteredFiles(process.cwd());
  await entered.start();
  const names = async () => [...((await entered.take()).get('classes.mjs')?.values() ?? [])].map(({ name }) => name);
  const { Base, Derived } = await import('./classes.mjs');
  new Base();
  const derived = new Derived();
  console.log(JSON.stringify(await names()));
  derived.shout();
  console.log(JSON.stringify(await names()));
  console.log(JSON.stringify(await names()));
`;

it('counts the functions entered since the last call, without top level, constructors and initializers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sip-push-trace-'));
  try {
    await writeFile(join(folder, 'classes.mjs'), CLASSES);
    await writeFile(join(folder, 'program.mjs'), PROGRAM);
    const { stdout, stderr } = await runProcess(process.execPath, ['program.mjs'], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual(['[]', '["get kind","Derived.shout"]', '[]']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
