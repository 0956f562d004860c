/** Pages and programs built with third-party bundlers as in the guide: each registers and receives pushes. */

import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import * as esbuild from 'esbuild';
import * as vite8 from 'vite';
import * as vite7 from 'vite7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import webpack from 'webpack';
import type { PushSenderAgent } from '../../core/sender/sender.js';
import { examplePushes } from '../../sdk/cli/demo/examples.js';
import { type Network, startNetwork } from '../../sdk/network/index.js';
import { BOB, startSender } from '../support/agents/agents.js';
import { Chromium } from '../support/pages/chromium.js';
import { codeBlocks } from '../support/pages/code-blocks.js';
import { TestHttpServer } from '../support/pages/http-server.js';
import { describePeer } from '../support/programs/peers.js';
import { runProcess, startProcess } from '../support/programs/process.js';
import { Consumer, ROOT } from './consumer.js';

const GUIDE = join(ROOT, 'sdk/docs/guides/bundle-applications.md');
const TIMEOUT = 300_000;
/** Ignored messages: Chromium requests an icon, and Vite's client logs its connection. */
const HARMLESS = /favicon\.ico|"type":"debug"/;
const MIME: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };

let consumer: Consumer;
let network: Network;
let sender: PushSenderAgent;

beforeAll(async () => {
  network = await startNetwork({
    listen: ['tcp', 'ws'].map((transport) => `sip:127.0.0.1:0;transport=${transport}`),
  });
  const [tcp = '', ws = ''] = network.uris;
  sender = await startSender({ servers: [tcp], media: { host: '127.0.0.1', transport: 'ws' } });
  consumer = await Consumer.make();
  for (const { file, text } of codeBlocks(await readFile(GUIDE, 'utf8'))) {
    if (file === undefined) continue;
    const relocated = text
      .replaceAll('sip:127.0.0.1:5066;transport=ws', ws)
      .replaceAll('sip:127.0.0.1:5060;transport=tcp', tcp);
    await consumer.write(file, relocated);
  }
}, TIMEOUT);
afterAll(async () => {
  await sender?.stop();
  await network?.close();
  await consumer?.[Symbol.asyncDispose]();
});

/** Sends one push in a MESSAGE and one in a session. */
async function pushBoth(round: number): Promise<void> {
  const pushes = examplePushes(BOB, round).filter(({ app }) => app === 'mms.ua');
  expect(pushes.map(({ mode }) => mode)).toEqual(['pager', 'session']);
  for (const push of pushes) {
    const receipts = await sender.send(push);
    expect(receipts, JSON.stringify(receipts)).toMatchObject([{ outcome: 'delivered' }]);
  }
}

/** Expects that the page registers and shows both pushes. */
async function runs(url: string, round: number): Promise<void> {
  await using page = await Chromium.open(url);
  await page.until(`document.body?.innerText.includes('"event":"registered"')`);
  await pushBoth(round);
  await page.until(`document.body.innerText.split('"outcome":"accepted"').length === 3`);
  expect(page.problems.filter((each) => !HARMLESS.test(each))).toEqual([]);
}

describePeer('chromium', 'a page', () => {
  /** Serves the output of a bundler in a folder of the consumer, with the consumer's `index.html` if there is none. */
  async function servesAndRuns(folder: string, html: string | undefined, round: number): Promise<void> {
    const server = await TestHttpServer.start(async (request, response) => {
      const path = request.url === '/' ? '/index.html' : (request.url ?? '');
      const text =
        html !== undefined && path === '/index.html'
          ? html
          : await readFile(join(consumer.path, folder, path)).catch(() => undefined);
      response.writeHead(text === undefined ? 404 : 200, {
        'content-type': MIME[extname(path)] ?? 'text/plain',
      });
      response.end(text);
    });
    try {
      await runs(server.url(), round);
    } finally {
      await server.close();
    }
  }
  const pageOf = (script: string) => `<!doctype html><body><script type="module" src="${script}"></script>`;

  it.each([
    ['Vite 8', vite8, 1],
    ['Vite 7', vite7, 2],
  ])('built by %s', { timeout: TIMEOUT }, async (name, vite, round) => {
    const outDir = `dist-${name.replace(' ', '-')}`;
    await vite.build({ root: consumer.path, configFile: false, logLevel: 'error', build: { outDir } });
    await servesAndRuns(outDir, undefined, round);
  });

  it('served by the development server of Vite 8', { timeout: TIMEOUT }, async () => {
    const server = await vite8.createServer({
      root: consumer.path,
      configFile: false,
      logLevel: 'error',
      server: { host: '127.0.0.1', port: 0, hmr: false },
    });
    try {
      await server.listen();
      await runs(server.resolvedUrls?.local[0] ?? '', 3);
    } finally {
      await server.close();
    }
  });

  it('built by webpack', { timeout: TIMEOUT }, async () => {
    const path = join(consumer.path, 'dist-webpack');
    const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
      webpack(
        {
          context: consumer.path,
          mode: 'production',
          entry: './page.js',
          output: { path, filename: 'page.js' },
        },
        (error, result) => (error ? reject(error) : resolve(result)),
      );
    });
    expect(stats?.toJson({ all: false, errors: true }).errors).toEqual([]);
    await servesAndRuns('dist-webpack', pageOf('/page.js'), 4);
  });

  it('built by esbuild', { timeout: TIMEOUT }, async () => {
    await esbuild.build({
      absWorkingDir: consumer.path,
      entryPoints: ['page.js'],
      outdir: 'dist-esbuild',
      bundle: true,
      format: 'esm',
      logLevel: 'silent',
    });
    await servesAndRuns('dist-esbuild', pageOf('/page.js'), 5);
  });
});

describe('a program of Node.js', () => {
  it('built by esbuild', { timeout: TIMEOUT }, async () => {
    const built = await runProcess(process.execPath, ['build.mjs'], {
      cwd: consumer.path,
      withinMs: TIMEOUT,
    });
    expect(built.code, built.stderr).toBe(0);
    await using program = await startProcess(process.execPath, ['device.mjs'], { cwd: consumer.path });
    await program.line(/"event":"registered"/);
    await pushBoth(6);
    await program.line(/"event":"push".*"mode":"session".*"outcome":"accepted"/);
    program.kill('SIGTERM');
    expect(await program.ended(20_000)).toEqual({ code: 0, signal: null });
    expect(program.stderr).toEqual([]);
  });
});
