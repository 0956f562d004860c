/** The module that a bundle begins with: the configuration as it was validated, the applications, and what runs them. */

import type { WorkerIsolation } from '../../core/app/isolation/isolated.js';
import type { HostSettings } from '../config/host.js';
import { RUNTIME } from './stand-ins.js';

/** What esbuild is asked for in the place of an application's specifier. */
export const APPLICATION = 'sip-push-application:';
/** Stands in the bundle where its contents go, which are known when it has been made. */
export const CONTENTS = '__SIP_PUSH_CONTENTS__';

export interface EntryOptions {
  platform: 'node' | 'browser';
  settings: HostSettings;
  /** As the configuration has it: relative to the bundle. */
  data?: string;
  /** Of the applications, in their order: those that are to run in workers. */
  isolation: readonly (WorkerIsolation | undefined)[];
  /** The keys of a UICC, as the configuration has them. */
  aka?: unknown;
}

export function entryModule({ platform, settings, data, aka, isolation }: EntryOptions): string {
  const { apps, data: _, credentials, ...rest } = settings;
  const embedded = { ...rest, ...(data === undefined ? {} : { data }), ...(aka ? {} : { credentials }) };
  const run =
    platform === 'node'
      ? 'await runBundle(bundle);'
      : 'export const start = receiverOf(bundle); export const { contents } = bundle;';
  const workers = isolation.some((bounds) => bounds !== undefined);
  return [
    `import { ${platform === 'node' ? 'runBundle' : 'receiverOf'} } from '${RUNTIME}${platform}';`,
    ...(aka ? [`import { softwareUicc } from '${RUNTIME}uicc';`] : []),
    ...(workers ? [`import { insideWorker, serveWorker } from '${RUNTIME}workers';`] : []),
    ...apps.map((_, index) => `import application${index} from '${APPLICATION}${index}';`),
    'const bundle = {',
    `  settings: ${aka ? `{ ...${literal(embedded)}, credentials: ${uicc(credentials, aka)} }` : literal(embedded)},`,
    '  apps: [',
    ...apps.map((app, index) => `    ${application(app, index, isolation[index])},`),
    '  ],',
    `  contents: ${CONTENTS},`,
    '  url: import.meta.url,',
    '};',
    workers
      ? `if (insideWorker) serveWorker((name) => [${apps.map((_, index) => `application${index}`)}][name]); else ${run}`
      : run,
    '',
  ].join('\n');
}

/** In a worker it is known by its place in the list. */
function application(app: HostSettings['apps'][number], index: number, isolation?: WorkerIsolation): string {
  const permissions = app.permissions ? `, permissions: ${literal(app.permissions)}` : '';
  const more = `options: ${literal(app.options)}${permissions}`;
  if (!isolation) return `{ definition: application${index}, ${more} }`;
  return `{ module: '${index}', script: new URL(import.meta.url), isolation: ${literal(isolation)}, ${more} }`;
}

function uicc(credentials: HostSettings['credentials'], aka: unknown): string {
  return `{ username: ${JSON.stringify(credentials?.username)}, uicc: softwareUicc(${literal(aka)}) }`;
}

/** PEM files are embedded as text. `__proto__` is a key like any other in JSON, in a literal it is not. */
function literal(value: unknown): string {
  if (value === undefined) return 'undefined';
  const json = JSON.stringify(value, (_, inner: unknown) => {
    const bytes = Object(inner);
    if (bytes instanceof Uint8Array) return Buffer.from(bytes).toString('utf8');
    // A Buffer has turned itself into this before it is asked for.
    return bytes.type === 'Buffer' && Array.isArray(bytes.data)
      ? Buffer.from(bytes.data).toString('utf8')
      : inner;
  });
  return json.includes('"__proto__"') ? `JSON.parse(${JSON.stringify(json)})` : json;
}
