/** Push applications in each module format and package layout, below a path with special characters. */

import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Folder } from './sip-push.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Space, `#`, `%`, `?`, non-ASCII letters, quotes. */
export const STRANGE = `a b#c%20d?é日'"`;
/** Folder of the configuration: a package of a workspace. */
export const HOST = `${STRANGE}/packages/host`;

const body = (id: string) =>
  `{ id: '${id}', accepts: ['text/plain'], events: { started: true },
     start: ({ emit }) => { emit('started', {}); return { receive() {} }; } }`;
const esm = (id: string) => `export default ${body(id)};`;
const compiled = (id: string) => `"use strict";
  Object.defineProperty(exports, "__esModule", { value: true });
  const sdk_1 = require("sip-push/sdk");
  exports.default = (0, sdk_1.definePushApp)(${body(id)});`;

const sipPush = (id: string) => ({
  contract: '^1.0.0',
  apps: [{ id, accepts: ['text/plain'], events: ['started'] }],
});

/** Writes all applications. @returns `use` of each, by its event-app-id. */
export async function writeLayouts(folder: Folder): Promise<Record<string, string>> {
  const uses: Record<string, string> = {};
  const at = (path: string) => join(folder.path, STRANGE, path);
  const link = async (path: string, target: string) => {
    await mkdir(dirname(at(path)), { recursive: true });
    await symlink(target, at(path));
  };
  const write = (path: string, content: unknown) => folder.write(`${STRANGE}/${path}`, content);
  const module = async (id: string, file: string, source: string) => {
    await write(`packages/host/${file}`, source);
    uses[id] = `./${file}`;
  };
  const makePackage = async (path: string, id: string, source: string, fields: object = {}) => {
    const name = path.replace(/^.*(?:node_modules|packages)\//, '');
    const type = /^(export|import)/.test(source) ? 'module' : 'commonjs';
    const file = 'dist/index.js';
    const manifest = { name, version: '1.0.0', type, main: file, sipPush: sipPush(id), ...fields };
    await write(`${path}/package.json`, manifest);
    await write(`${path}/${file}`, source);
    uses[id] = name;
  };
  // The host's own package, and the one that the applications import.
  await write('packages/host/package.json', { name: 'host' });
  await link('node_modules/sip-push', ROOT);

  await module('es.ua', 'es.mjs', esm('es.ua'));
  await module('cjs.ua', 'module-exports.cjs', `module.exports = ${body('cjs.ua')};`);
  await module('default.ua', 'exports-default.cjs', `exports.default = ${body('default.ua')};`);
  await module('compiled.ua', 'compiled.cjs', compiled('compiled.ua'));
  await module('strange.ua', `${STRANGE}.mjs`, esm('strange.ua'));

  await makePackage('node_modules/@scope/app', 'scoped.ua', compiled('scoped.ua'));
  await makePackage('node_modules/hoisted', 'hoisted.ua', esm('hoisted.ua'));
  await makePackage('node_modules/no-manifest', 'none.ua', esm('none.ua'), {
    main: undefined,
    sipPush: undefined,
    exports: { '.': { import: { types: './dist/index.d.ts', default: './dist/index.js' } } },
  });
  await makePackage('node_modules/conditions', 'conditions.ua', compiled('conditions.ua'), {
    main: undefined,
    exports: { '.': { require: './dist/index.js' } },
  });
  await makePackage('node_modules/several', 'several.ua', esm('several.ua'), {
    main: undefined,
    sipPush: undefined,
    exports: { './apps/*': './dist/*.js' },
  });
  uses['several.ua'] = 'several/apps/index';

  const dependency = `import { text } from 'dependency'; export default { ...${body('pnpm.ua')}, accepts: [text] };`;
  const virtual = 'node_modules/.pnpm/pnpm-app@1.0.0/node_modules';
  await makePackage(`${virtual}/pnpm-app`, 'pnpm.ua', dependency);
  await write(`${virtual}/dependency/package.json`, { name: 'dependency', type: 'module', main: 'a.js' });
  await write(`${virtual}/dependency/a.js`, "export const text = 'text/plain';");
  await link('node_modules/pnpm-app', '.pnpm/pnpm-app@1.0.0/node_modules/pnpm-app');

  await makePackage('packages/workspace-app', 'workspace.ua', compiled('workspace.ua'));
  await link('node_modules/workspace-app', '../packages/workspace-app');
  // npm link: through the global folder.
  await makePackage('elsewhere/node_modules/linked-app', 'linked.ua', esm('linked.ua'));
  await link('global/linked-app', '../elsewhere/node_modules/linked-app');
  await link('node_modules/linked-app', '../global/linked-app');
  // By its path, and by its path with an id.
  await makePackage(`packages/${STRANGE}`, 'path.ua', compiled('path.ua'));
  uses['path.ua'] = `../${STRANGE}#path.ua`;
  await makePackage(`packages/other ${STRANGE}`, 'other.ua', esm('other.ua'));
  uses['other.ua'] = at(`packages/other ${STRANGE}`);
  return uses;
}
