/**
 * Follows a page of the documentation in a temporary folder: writes its files, runs its commands in order, compiles and
 * runs its programs. Ports and folders are replaced with free ones; everything else is as a reader types it.
 */

import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect } from 'vitest';
import { freePorts } from '../programs/ports.js';
import { type RunningProcess, runProcess, startProcess } from '../programs/process.js';
import { type CodeBlock, codeBlocks, commandsOf } from './code-blocks.js';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Ports in pages and examples. */
const PORTS = ['5060', '5061', '5062', '5066', '2855', '2856', '8000', '8642'];
/** Binary files of examples. */
const BINARY = /\.(mms|wbxml)$/;
const WITHIN_MS = 120_000;

/** A command that runs until it is stopped. */
interface Service {
  readonly command: RegExp;
  /** Output when it is ready. */
  readonly ready: RegExp;
  /** The command that a reader runs after stopping this one. */
  readonly until?: RegExp;
}

const SERVICES: readonly Service[] = [
  { command: /^npx sip-push network\b/, ready: /listening|sip:/ },
  { command: /^npx sip-push host\b/, ready: /registered/ },
  { command: /^npx sip-push record\b/, ready: /registered/, until: /^npx sip-push replay\b/ },
  { command: /^npx sip-push sender\b/, ready: /registered/ },
  { command: /^(npx sip-push|npm run) dev\b/, ready: /is running\. Enter/ },
  { command: /^node \S*(host|device)\.mjs$/, ready: /registered/ },
  { command: /^node \S*run\.mjs$/, ready: /^http:/ },
];

/** Commands to skip, because the package is built and installed for all pages. */
const DONE = /^(npm (start|test|install|pack|run (build|bench))|sudo)\b/;

export interface PageOptions {
  readonly services?: readonly Service[];
  /** Commands to run although they are skipped by default. */
  readonly run?: RegExp;
  /** Called when a service is ready, with the line that it printed. */
  onReady?(command: string, line: string): Promise<void>;
  /** Called before each command, with the folder of the page. */
  before?(command: string, folder: string): Promise<void>;
}

export class DocumentedPage {
  readonly #running: { service: Service; process: RunningProcess }[] = [];
  /** Current folder, which a command `cd` changes. */
  #cwd: string;

  private constructor(
    readonly folder: string,
    readonly blocks: readonly CodeBlock[],
    private readonly options: PageOptions,
  ) {
    this.#cwd = folder;
  }

  /** @param page path in the repository. */
  static async open(page: string, options: PageOptions = {}): Promise<DocumentedPage> {
    const folder = await mkdtemp(join(tmpdir(), 'sip-push-page-'));
    const free = await freePorts(PORTS.length);
    const relocated = (text: string) =>
      PORTS.reduce(
        (changed, port, index) => changed.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), String(free[index])),
        text.replaceAll('/tmp', `${folder}/tmp`),
      );
    await install(folder);
    await mkdir(join(folder, 'tmp'));
    await copyExamples(folder, relocated);
    const text = await readFile(join(ROOT, page), 'utf8');
    const blocks = codeBlocks(text).map((block) => ({ ...block, text: relocated(block.text) }));
    return new DocumentedPage(folder, blocks, options);
  }

  expectValidJson(): void {
    for (const { text, line, language } of this.blocks) {
      // A part of a configuration, without braces.
      const whole = text.trimStart().startsWith('{') ? text : `{${text}}`;
      if (language === 'json') expect(() => JSON.parse(whole), `line ${line}`).not.toThrow();
    }
  }

  /** Writes the files and runs the commands, in the order of the page. */
  async followCommands(): Promise<void> {
    for (const block of this.blocks) {
      if (block.file !== undefined) await this.#write(block.file, block.text);
      if (block.language !== 'sh') continue;
      for (const command of commandsOf(block)) await this.#run(command, block);
    }
  }

  /** Compiles the TypeScript of the page with strict settings, and runs it in order. */
  async runPrograms(): Promise<void> {
    const programs: string[] = [];
    for (const { language, text, file, line } of this.blocks) {
      if (language !== 'ts') continue;
      if (file === undefined) await this.#write(`line-${line}.ts`, text);
      programs.push(file ?? `line-${line}.ts`);
    }
    if (programs.length === 0) return;
    await this.#compile(programs);
    const staying: RunningProcess[] = [];
    for (const program of programs) {
      const started = await this.#start(program);
      if (!started) continue;
      // A program runs until it ends or is registered.
      const ended = await Promise.race([
        started.exited.then(() => true),
        started.line(/registered/, WITHIN_MS).then(() => false),
      ]);
      if (ended) await expectSuccess(started);
      else staying.push(started);
    }
    for (const each of staying) {
      each.kill('SIGTERM');
      await expectSuccess(each);
    }
  }

  async close(): Promise<void> {
    for (const { process } of this.#running.splice(0).reverse()) await process.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #write(file: string, text: string): Promise<void> {
    const path = join(this.folder, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }

  async #run(command: string, { line }: CodeBlock): Promise<void> {
    const [, into] = /^cd (\S+)$/.exec(command) ?? [];
    if (into !== undefined) {
      this.#cwd = join(this.#cwd, into);
      return;
    }
    const inOwnPackage = this.#cwd !== this.folder && !/^npm install\b/.test(command);
    if (DONE.test(command) && !inOwnPackage && !this.options.run?.test(command)) return;
    await this.options.before?.(command, this.folder);
    await this.#stopBefore(command);
    const service = [...(this.options.services ?? []), ...SERVICES].find((each) =>
      each.command.test(command),
    );
    const words = ['-c', command];
    const env = { ...process.env, PATH: `${this.folder}/node_modules/.bin:${process.env.PATH}:/usr/sbin` };
    const options = { cwd: this.#cwd, env };
    if (service) {
      const running = await startProcess('bash', words, options);
      this.#running.push({ service, process: running });
      const printed = await running.line(service.ready, WITHIN_MS);
      await this.options.onReady?.(command, printed);
      return;
    }
    const { code, stdout, stderr } = await runProcess('bash', words, { ...options, withinMs: WITHIN_MS });
    expect(code, `line ${line}: ${command}\n${stdout}\n${stderr}`).toBe(0);
  }

  async #stopBefore(command: string): Promise<void> {
    for (const each of this.#running.filter(({ service }) => service.until?.test(command))) {
      this.#running.splice(this.#running.indexOf(each), 1);
      await each.process.stop();
    }
  }

  async #compile(programs: readonly string[]): Promise<void> {
    const { stdout, code } = await runProcess(
      process.execPath,
      [
        join(ROOT, 'node_modules/typescript/bin/tsc'),
        ...['--strict', '--noEmit', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2022'],
        ...['--types', 'node', '--lib', 'es2023,esnext.disposable,dom,dom.asynciterable', ...programs],
      ],
      { cwd: this.folder, withinMs: WITHIN_MS },
    );
    expect(stdout).toBe('');
    expect(code).toBe(0);
  }

  /** Starts a program. A program for browsers is only bundled; `test/browser` runs it. */
  async #start(program: string): Promise<RunningProcess | undefined> {
    const outfile = program.replace(/\.ts$/, '.mjs');
    const forBrowser = program.startsWith('browser');
    await build({
      absWorkingDir: this.folder,
      entryPoints: [program],
      outfile,
      format: 'esm',
      target: 'es2022',
      platform: forBrowser ? 'browser' : 'node',
      bundle: true,
      packages: 'external',
      logLevel: 'silent',
    });
    return forBrowser ? undefined : await startProcess(process.execPath, [outfile], { cwd: this.folder });
  }
}

async function expectSuccess(running: RunningProcess): Promise<void> {
  const { code } = await running.ended(WITHIN_MS);
  expect(code, running.describe()).toBe(0);
  expect(running.stderr, running.describe()).toEqual([]);
}

/** Creates the result of `npm install` without running it, which is slow; newcomer.slow.test.ts runs npm. */
async function install(folder: string): Promise<void> {
  await mkdir(join(folder, 'node_modules/.bin'), { recursive: true });
  await symlink(ROOT, join(folder, 'node_modules/sip-push'));
  for (const name of ['@types', 'classic-level', 'zod'])
    await symlink(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  await symlink(join(ROOT, 'dist/sdk/cli/main.js'), join(folder, 'node_modules/.bin/sip-push'));
  await writeFile(join(folder, 'node_modules/.bin/npx'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
}

async function copyExamples(folder: string, relocate: (text: string) => string): Promise<void> {
  const source = join(ROOT, 'examples');
  const target = join(folder, 'examples');
  await cp(source, target, {
    recursive: true,
    filter: (path) => !/\/(node_modules|dist)$/.test(path.slice(source.length)),
  });
  const entries = await readdir(target, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile() || BINARY.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    await writeFile(path, relocate(await readFile(path, 'utf8')));
  }
}
