/**
 * Packages of which little is asked: modules of `runtime` do that little in their place, each held against what it
 * stands for by a test, or by a bundle that is run.
 */

import { readFileSync } from 'node:fs';

/** What a specifier of a module of `runtime` begins with. */
export const RUNTIME = 'sip-push-bundle:';

/** What our own modules import, applications not, and the module of `runtime` that they get. */
const PACKAGES: Readonly<Record<string, string>> = {
  tsyringe: 'tsyringe',
  // It is tsyringe that asks for it.
  'reflect-metadata': 'nothing',
  // What it suggests, it suggests where a configuration is validated.
  'fastest-levenshtein': 'nothing',
  'memory-level': 'memory-store',
};
const PACKAGES_OF: Readonly<Record<Platform, Readonly<Record<string, string>>>> = {
  node: { ...PACKAGES, 'classic-level': 'level-store' },
  browser: { ...PACKAGES, 'browser-level': 'indexed-store' },
};

/** Modules by the end of their paths, and their text. */
const MODULES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['Constants', 'Utils', 'Socket', 'SIPMessage'].map((name) => [
      `jssip/lib/${name}`,
      `export * from '${RUNTIME}jssip';`,
    ]),
  ),
  'jssip/lib/RequestSender': `module.exports = require('${RUNTIME}jssip').RequestSender;`,
  // Of the registrar, that is never written.
  'jssip/lib/URI': 'module.exports = class {};',
  // Read by nobody, unless DEBUG is in the environment.
  'jssip/lib/Logger': 'module.exports = class { debug() {} warn() {} error() {} };',
  'core/content/xml/document-content': `export * from '${RUNTIME}document-content';`,
  // Definitions are checked when the bundle is made.
  'core/app/manifest': `export * from '${RUNTIME}manifest';`,
};
const MODULES_OF_NODE: Readonly<Record<string, string>> = {
  ...MODULES,
  'core/content/fetch/addresses': `export * from '${RUNTIME}addresses';`,
};

/** Modules of which something is cut out; where it is not found, as in another version, they stay as they are. */
const SHORTENED: Readonly<Record<string, (text: string) => string>> = {
  // Attributes `core/sdp` reads and writes by itself, as text: only the last rule is left, for any.
  'sdp-transform/lib/grammar': (text) =>
    cut(text, '  a: [', "    {\n      // any a= that we don't understand", '  a: [\n'),
  // What it makes of attributes' values.
  'sdp-transform/lib/parser': (text) => cut(text, 'var paramReducer', undefined),
  'jssip/lib/Transport': withoutLog,
  'jssip/lib/Registrator': withoutLog,
};

/** Without what is from `start` up to `end`. */
function cut(text: string, start: string, end: string | undefined, instead = ''): string {
  const from = text.indexOf(start);
  const to = end === undefined ? text.length : text.indexOf(end);
  return from < 0 || to < from ? text : `${text.slice(0, from)}${instead}${text.slice(to)}`;
}

/** Nobody reads what they log, unless DEBUG is in the environment. */
function withoutLog(text: string): string {
  return text.replace(/^ +logger\.\w+\(.*\);$/gm, '');
}

type Platform = 'node' | 'browser';

/** Specifier of what stands in for the package `name`; undefined where that stays. */
export function standInOf(name: string, platform: Platform): string | undefined {
  const packages = PACKAGES_OF[platform];
  return Object.hasOwn(packages, name) ? `${RUNTIME}${packages[name]}` : undefined;
}

/**
 * Text of what stands in for the module at `path`; undefined where that stays.
 * @param foreign applications of others are inside, which may want all of a package.
 */
export function standInText(path: string, platform: Platform, foreign: boolean): string | undefined {
  const shorten = foreign ? undefined : moduleIn(SHORTENED, path);
  if (shorten) return shorten(readFileSync(path, 'utf8'));
  return moduleIn(platform === 'node' ? MODULES_OF_NODE : MODULES, path);
}

/** What a table of modules, by the ends of their paths, has for `path`. */
export function moduleIn<T>(modules: Readonly<Record<string, T>>, path: string): T | undefined {
  const name = path.replaceAll('\\', '/').replace(/\.[cm]?[jt]s$/, '');
  const found = Object.keys(modules).find((module) => name.endsWith(`/${module}`));
  return found === undefined ? undefined : modules[found];
}
