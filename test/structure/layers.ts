/** The allowed imports between folders, and a check for violations. */

import { posix } from 'node:path';

/** Stateless modules that all layers may import. */
const COMMON = ['core/errors.ts', 'core/defined.ts', 'core/text.ts', 'core/log.ts', 'core/injection.ts'];
const BASE = [...COMMON, 'core/platform', '#platform', 'core/time'];
const AGENT = [
  ...BASE,
  'core/store',
  'core/content',
  'core/app',
  'core/sip',
  'core/sdp',
  'core/msrp',
  'core/byte-ranges.ts',
  'core/instance-id.ts',
];
const CORE = ['core', '#platform'];
const TOOLS = [
  ...CORE,
  'sdk/check',
  'sdk/config',
  'sdk/create',
  'sdk/dev',
  'sdk/formats',
  'sdk/http-api',
  'sdk/index.ts',
  'sdk/manifest',
  'sdk/network',
  'sdk/record',
  'sdk/testing',
  'sdk/trace',
];

/** The layers that each folder may import, from the bottom up. A folder may always import itself. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  'core/errors.ts': [],
  'core/defined.ts': [],
  'core/text.ts': [],
  'core/injection.ts': [],
  'core/byte-ranges.ts': ['core/errors.ts'],
  'core/log.ts': ['core/text.ts'],
  'core/platform': COMMON,
  'core/time': COMMON,
  'core/instance-id.ts': BASE,
  'core/content': BASE,
  'core/store': [...BASE, 'core/content'],
  'core/app': [...BASE, 'core/store', 'core/content', 'core/byte-ranges.ts'],
  'core/sip': BASE,
  'core/pap': [...BASE, 'core/content', 'core/sip'],
  'core/sdp': COMMON,
  'core/msrp': [...BASE, 'core/byte-ranges.ts'],
  'core/receiver': AGENT,
  'core/sender': AGENT,
  core: CORE,
  'sdk/index.ts': [...CORE, 'sdk/retry.ts'],
  'sdk/formats': CORE,
  'sdk/network': CORE,
  'sdk/testing': [...CORE, 'sdk/network', 'sdk/record'],
  // Its templates contain the imports of an application.
  'sdk/create': [...TOOLS, 'sip-push/sdk', 'sip-push/testing'],
  'sdk/cli': [...TOOLS, 'sdk/bundler'],
  'sdk/bundler': TOOLS,
  sdk: TOOLS,
  plugins: ['sip-push/sdk', 'sip-push/formats'],
};

/** Packages that only one folder may import. */
const SOLE_IMPORTER: Readonly<Record<string, string>> = {
  jssip: 'core/sip',
  tsyringe: 'core/injection.ts',
  'sdp-transform': 'core/sdp',
};

/** @returns a message for each import that the table does not allow. */
export function violations(sources: ReadonlyMap<string, string>): string[] {
  return [...sources].flatMap(([file, text]) =>
    importsOf(file, text).flatMap((target) => {
      const reason = forbidden(file, target);
      return reason === undefined ? [] : [`${file} imports ${target}: ${reason}`];
    }),
  );
}

/** Relies on the formatter, which writes specifiers in single quotes after `from`, `import` or `import(`. */
function importsOf(file: string, text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const specifiers = code.matchAll(/^(?:import|export|\})[^'"`;]*?'([^'\s]+)';|\bimport\(\s*'([^'\s]+)'/gm);
  return Array.from(specifiers, ([, fixed, dynamic]) => fixed ?? dynamic ?? '').map((specifier) =>
    specifier.startsWith('.')
      ? posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts')
      : specifier,
  );
}

function forbidden(file: string, target: string): string | undefined {
  const layer = layerOf(file);
  if (target.startsWith('node:')) {
    const allowed =
      file.startsWith('core/platform/node/') || (file.startsWith('sdk/') && layer !== 'sdk/formats');
    return allowed ? undefined : 'only core/platform/node and sdk may import Node.js modules';
  }
  const owner = Object.entries(SOLE_IMPORTER).find(
    ([name]) => target === name || target.startsWith(`${name}/`),
  );
  if (owner) return layer === owner[1] ? undefined : `${owner[1]} is the only importer of ${owner[0]}`;
  if (!/^((core|sdk|plugins|test|examples)\/|#|sip-push($|\/))/.test(target)) return undefined;
  const allowed = [layer, ...(LAYERS[layer] ?? [])];
  if (allowed.some((name) => within(target, name) && !isHigher(layer, target, name))) return undefined;
  return `${layer} may import ${allowed.slice(1).join(', ') || 'nothing'}`;
}

/** `sdk` in the table means the files of sdk that are in no other layer. */
function isHigher(layer: string, target: string, folder: string): boolean {
  return layer === 'sdk' && folder === 'sdk' && layerOf(target) !== 'sdk';
}

function within(target: string, folder: string): boolean {
  return target === folder || target.startsWith(`${folder}/`);
}

/** The most specific entry of the table that contains the file. */
function layerOf(file: string): string {
  const names = Object.keys(LAYERS).filter((name) => within(file, name));
  return names.sort((a, b) => b.length - a.length)[0] ?? file;
}
