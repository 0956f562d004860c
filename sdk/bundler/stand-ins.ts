/**
 * Packages of which little is asked: modules of `runtime` do that little in their place, each held against what it
 * stands for by a test, or by a bundle that is run.
 */

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
  // Of the registrar, that is never written.
  'jssip/lib/URI': 'export default class {}',
  'core/content/xml/document-content': `export * from '${RUNTIME}document-content';`,
  // Definitions are checked when the bundle is made.
  'core/app/manifest': `export * from '${RUNTIME}manifest';`,
};
const MODULES_OF_NODE: Readonly<Record<string, string>> = {
  ...MODULES,
  'core/content/fetch/addresses': `export * from '${RUNTIME}addresses';`,
};

/** Modules that something stands in for, by the ends of their paths. */
export const replacedModules = Object.keys(MODULES_OF_NODE);

type Platform = 'node' | 'browser';

/** Specifier of what stands in for the package `name`; undefined where that stays. */
export function standInOf(name: string, platform: Platform): string | undefined {
  const packages = PACKAGES_OF[platform];
  return Object.hasOwn(packages, name) ? `${RUNTIME}${packages[name]}` : undefined;
}

/** Text of what stands in for the module at `path`; undefined where that stays. */
export function standInText(path: string, platform: Platform): string | undefined {
  return moduleIn(platform === 'node' ? MODULES_OF_NODE : MODULES, path);
}

/** What a table of modules, by the ends of their paths, has for `path`. */
export function moduleIn<T>(modules: Readonly<Record<string, T>>, path: string): T | undefined {
  const name = path.replaceAll('\\', '/').replace(/\.[cm]?[jt]s$/, '');
  const found = Object.keys(modules).find((module) => name.endsWith(`/${module}`));
  return found === undefined ? undefined : modules[found];
}
