/** Compiles the published types without `skipLibCheck`, in a program that imports all of them. */

import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runProcess } from '../support/programs/process.js';
import { Consumer, ROOT } from './consumer.js';

const TIMEOUT = 180_000;

let consumer: Consumer;
beforeAll(async () => {
  consumer = await Consumer.make();
  for (const name of ['@types/node', 'undici-types']) {
    await cp(join(ROOT, 'node_modules', name), join(consumer.path, 'node_modules', name), {
      recursive: true,
    });
  }
  const { exports }: { exports: Record<string, unknown> } = JSON.parse(
    await readFile(join(ROOT, 'package.json'), 'utf8'),
  );
  const names = Object.keys(exports).filter((name) => !name.endsWith('.json'));
  const lines = names.map((name, index) => `export * as n${index} from '${name.replace('.', 'sip-push')}';`);
  await consumer.write('program.ts', lines.join('\n'));
}, TIMEOUT);
afterAll(() => consumer?.[Symbol.asyncDispose]());

const NODE = { module: 'nodenext', target: 'es2022', lib: ['es2023'], types: ['node'] };
const PAGE = { module: 'esnext', moduleResolution: 'bundler', target: 'es2022', types: [] };

it.each([
  ['TypeScript 7, Node.js', 'typescript', NODE],
  ['TypeScript 7, a page', 'typescript', PAGE],
  ['TypeScript 5.9, Node.js', 'typescript5', NODE],
  ['TypeScript 5.9, a page', 'typescript5', PAGE],
])('%s', { timeout: TIMEOUT }, async (_, compiler, options) => {
  const compilerOptions = { ...options, strict: true, noEmit: true, skipLibCheck: false };
  await consumer.write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['program.ts'] }));
  const tsc = join(ROOT, 'node_modules', compiler, 'bin/tsc');
  const { code, stdout } = await runProcess(process.execPath, [tsc], {
    cwd: consumer.path,
    withinMs: TIMEOUT,
  });
  expect([code, stdout]).toEqual([0, '']);
});
