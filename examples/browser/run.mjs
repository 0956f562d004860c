/** Bundles the device of device.json for browsers, and serves the page: `node examples/browser/run.mjs [PORT]`. */

import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = dirname(fileURLToPath(import.meta.url));
const PACKAGE = dirname(fileURLToPath(import.meta.resolve('sip-push/package.json')));
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.map': 'application/json' };
/** The files of the page; no others are served. */
const FILES = new Set(['/index.html', '/main.js', '/dist/device.js', '/dist/device.js.map']);

const bundle = ['bundle', '--config', 'device.json', '--outfile', 'dist/device.js', '--platform', 'browser'];
execFileSync(process.execPath, [join(PACKAGE, 'dist/sdk/cli/main.js'), ...bundle], {
  cwd: FOLDER,
  stdio: ['ignore', 2, 'inherit'],
});

const server = createServer(async (request, response) => {
  const [path] = (request.url ?? '/').split('?', 1);
  const file = path === '/' ? '/index.html' : path;
  if (!FILES.has(file)) return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': `${TYPES[extname(file)]}; charset=utf-8` });
  response.end(await readFile(join(FOLDER, file)));
});
server.listen(Number(process.argv[2] ?? 8000), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
