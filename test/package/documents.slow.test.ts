/**
 * README and guides, done as they say: their files written, their commands run in order, their programs compiled and
 * run. Ports are other ones than on paper; the rest is what a reader would type.
 */

import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CodeBlock, codeBlocks, commandsOf } from '../support/code-blocks.js';
import { freePort } from '../support/ports.js';
import { type RunningProcess, runProcess, startProcess } from '../support/process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const GUIDES = join(ROOT, 'sdk/docs/guides');
const guides = (await readdir(GUIDES).catch(() => [])).filter((name) => name.endsWith('.md'));
const PAGES = ['README.md', ...guides.map((name) => `sdk/docs/guides/${name}`)];

/** Commands that go on until they are told to end, and what they say when they are ready. */
const STAY: readonly [command: RegExp, ready: RegExp][] = [
  [/^npx sip-push network\b/, /listening|sip:/],
  [/^npx sip-push host\b/, /registered/],
  [/^npx sip-push dev\b/, /runs\. Enter/],
  [/^npx sip-push sender\b/, /registered/],
  [/^node \S*host\.mjs$/, /registered/],
];
/** In a clone of this project: what CI does by itself, as a whole. */
const OF_A_CLONE = /^npm (start|test|install|run build)\b/;
/** What was done already, or is another machine's. */
const ELSEWHERE = /^(npm install|sudo)\b/;
/** Ports on paper. */
const PORTS = ['5060', '8642'];

describe.each(PAGES)('%s', (page) => {
  let folder: string;
  let blocks: CodeBlock[];
  /** Where the reader is: commands before may have gone elsewhere. */
  let cwd: string;
  const running: RunningProcess[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sip-push-page-'));
    cwd = folder;
    await mkdir(join(folder, 'node_modules/.bin'), { recursive: true });
    await symlink(ROOT, join(folder, 'node_modules/sip-push'));
    await symlink(join(ROOT, 'dist/sdk/cli/main.js'), join(folder, 'node_modules/.bin/sip-push'));
    // What npx does with a package that is installed, without starting npm each time; newcomer.slow.test.ts has the real one.
    await writeFile(join(folder, 'node_modules/.bin/npx'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
    await symlink(join(ROOT, 'node_modules/@types'), join(folder, 'node_modules/@types'));
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    await cp(join(ROOT, 'examples'), join(folder, 'examples'), { recursive: true });
    const ports = await Promise.all(PORTS.map(async (port) => [port, String(await freePort())] as const));
    const moved = (text: string) =>
      ports.reduce(
        (changed, [port, free]) => changed.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), free),
        text,
      );
    const text = await readFile(join(ROOT, page), 'utf8');
    blocks = codeBlocks(text).map((block) => ({ ...block, text: moved(block.text) }));
  });
  afterAll(async () => {
    for (const each of running.splice(0).reverse()) await each.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('its JSON is JSON', () => {
    for (const { text, line, language } of blocks) {
      // A member of a configuration may stand by itself.
      const whole = text.trimStart().startsWith('{') ? text : `{${text}}`;
      if (language === 'json') expect(() => JSON.parse(whole), `line ${line}`).not.toThrow();
    }
  });

  it('its files, commands and programs: written, run, compiled and run', async () => {
    for (const block of blocks) {
      if (block.file !== undefined) await writeIn(folder, block.file, block.text);
      if (block.language === 'sh') for (const command of commandsOf(block)) await runCommand(command, block);
    }
    const programs = await programsOf(blocks, folder);
    await Promise.all([compile(programs), ...programs.map(runProgram)]);
  });

  /** For a strict user. */
  async function compile(programs: readonly string[]) {
    if (programs.length === 0) return;
    const { stdout, code } = await runProcess(
      process.execPath,
      [
        join(ROOT, 'node_modules/typescript/bin/tsc'),
        ...['--strict', '--noEmit', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2022'],
        ...['--types', 'node', '--lib', 'es2023,esnext.disposable,dom,dom.asynciterable', ...programs],
      ],
      { cwd: folder },
    );
    expect(stdout).toBe('');
    expect(code).toBe(0);
  }

  async function runCommand(command: string, { line }: CodeBlock) {
    const [, into] = /^cd (\S+)$/.exec(command) ?? [];
    if (into !== undefined) cwd = join(cwd, into);
    if (into !== undefined || ELSEWHERE.test(command)) return;
    if (cwd === folder && OF_A_CLONE.test(command)) return;
    const ready = STAY.find(([stays]) => stays.test(command))?.[1];
    const words = ['-c', command];
    const options = {
      cwd,
      env: { ...process.env, PATH: `${folder}/node_modules/.bin:${process.env.PATH}` },
    };
    if (ready) {
      const started = await startProcess('bash', words, options);
      running.push(started);
      await started.line(ready);
      return;
    }
    const { code, stdout, stderr } = await runProcess('bash', words, options);
    expect(code, `line ${line}: ${command}\n${stdout}\n${stderr}`).toBe(0);
  }

  /** To its end, or until it says how it stands with its core. */
  async function runProgram(program: string) {
    const outfile = program.replace(/\.ts$/, '.mjs');
    const forBrowser = program.startsWith('browser');
    await build({
      ...{
        absWorkingDir: folder,
        entryPoints: [program],
        outfile,
        format: 'esm',
        platform: forBrowser ? 'browser' : 'node',
      },
      ...{ bundle: true, packages: 'external', logLevel: 'silent' },
    });
    // A page's program is run in Chromium, by the browser's own suite.
    if (forBrowser) return;
    const started = await startProcess(process.execPath, [outfile], { cwd: folder });
    await Promise.race([started.exited, started.line(/registered|disconnected/)]);
    started.kill('SIGTERM');
    const { code } = await started.ended();
    expect(code, started.describe()).toBe(0);
    expect(started.stderr, started.describe()).toEqual([]);
  }
});

/** The TypeScript of a page, as files of its folder; those without a name are given one. */
async function programsOf(blocks: readonly CodeBlock[], folder: string): Promise<string[]> {
  const programs = blocks.filter(({ language }) => language === 'ts');
  return Promise.all(
    programs.map(async ({ text, file, line }) => {
      const name = file ?? `line-${line}.ts`;
      if (file === undefined) await writeFile(join(folder, name), text);
      return name;
    }),
  );
}

async function writeIn(folder: string, file: string, text: string): Promise<void> {
  const path = join(folder, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
