/** The module that a bundle begins with: the configuration as it was validated, the applications, and what runs them. */

import type { HostSettings } from '../cli/config/host.js';
import { RUNTIME } from './unused.js';

/** What esbuild is asked for in the place of an application's specifier. */
export const APPLICATION = 'sip-push-application:';
/** Stands in the bundle where its contents go, which are known when it has been made. */
export const CONTENTS = '__SIP_PUSH_CONTENTS__';

export interface EntryOptions {
  platform: 'node' | 'browser';
  settings: HostSettings;
  /** As the configuration has it: relative to the bundle. */
  data?: string;
  /** The keys of a UICC, as the configuration has them. */
  aka?: unknown;
}

export function entryModule({ platform, settings, data, aka }: EntryOptions): string {
  const { apps, data: _, credentials, ...rest } = settings;
  const embedded = { ...rest, ...(data === undefined ? {} : { data }), ...(aka ? {} : { credentials }) };
  const run = platform === 'node' ? 'runBundle' : 'receiverOf';
  return [
    `import { ${run} } from '${RUNTIME}${platform}';`,
    ...(aka ? [`import { softwareUicc } from '${RUNTIME}uicc';`] : []),
    ...apps.map((_, index) => `import application${index} from '${APPLICATION}${index}';`),
    'const bundle = {',
    `  settings: ${aka ? `{ ...${literal(embedded)}, credentials: ${uicc(credentials, aka)} }` : literal(embedded)},`,
    '  apps: [',
    ...apps.map(
      ({ options }, index) => `    { definition: application${index}, options: ${literal(options)} },`,
    ),
    '  ],',
    `  contents: ${CONTENTS},`,
    '  url: import.meta.url,',
    '};',
    platform === 'node' ? 'await runBundle(bundle);' : 'export const start = receiverOf(bundle);',
    '',
  ].join('\n');
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
