/** Bundles a module of this package for browsers, and serves a page with it on loopback. */

import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';
import { type HttpAnswer, TestHttpServer } from './http-server.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

export interface BrowserBundle {
  code: Uint8Array;
  metafile: Metafile;
}

/** @param entry path of a module, relative to the root of the project. */
export async function bundleForBrowser(entry: string): Promise<BrowserBundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    // Resolves to the sources, like the tests; esbuild adds the condition `browser`.
    conditions: ['sip-push-source'],
    target: 'es2022',
    sourcemap: 'inline',
    metafile: true,
    write: false,
    outdir: 'bundle',
    logLevel: 'silent',
  });
  return { code: outputFiles[0]?.contents ?? new Uint8Array(), metafile };
}

/** Serves the module as the only script of `/`; `more` answers all other requests. */
export async function servePage(
  entry: string,
  more: HttpAnswer = (_request, response) => response.writeHead(404).end(),
): Promise<TestHttpServer> {
  const { code } = await bundleForBrowser(entry);
  return await TestHttpServer.start((request, response) => {
    if (request.url === '/') {
      response.writeHead(200, { 'content-type': 'text/html' });
      // The icon, which browsers request by themselves.
      response.end(
        '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>',
      );
    } else if (request.url === '/page.js') {
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(code);
    } else more(request, response);
  });
}
