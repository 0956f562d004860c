/**
 * What a bundle does without, the one list of it: modules of features that its configuration cannot use, each replaced
 * by functions that say so if they are called all the same; and modules of other packages of which little is asked,
 * each replaced by that little.
 */

/** What a specifier of a module of `runtime` begins with. */
export const RUNTIME = 'sip-push-bundle:';

/** What the configuration says of features. */
export interface Features {
  platform: 'node' | 'browser';
  store: 'level' | 'memory';
  /** Some URI in it is of a WebSocket. */
  webSocket: boolean;
  /** A subscriber with a UICC. */
  aka: boolean;
}

interface Unused {
  /** As `--manifest` calls it. */
  feature: string;
  unless(features: Features): boolean;
  /** By the end of their paths: the functions that each exports. */
  modules: Readonly<Record<string, readonly string[]>>;
}

const UNUSED: readonly Unused[] = [
  {
    feature: 'WebSocket ("server" and "msrp.relay" use none)',
    unless: ({ webSocket }) => webSocket,
    modules: { 'core/platform/node/websocket-channel': ['connectWebSocket', 'listenWebSocket'] },
  },
  {
    feature: 'IMS AKA ("aka" is absent)',
    unless: ({ aka }) => aka,
    modules: { 'core/sip/aka/aka-answers': ['akaAnswers', 'unchallenged'] },
  },
  {
    feature: 'a store in memory ("store" is "level")',
    unless: ({ store }) => store === 'memory',
    modules: { 'memory-level/index': ['MemoryLevel'] },
  },
  {
    feature: 'a store on disk ("store" is "memory")',
    unless: ({ store }) => store === 'level',
    modules: { 'classic-level/index': ['ClassicLevel'] },
  },
];

/** Modules of packages by the end of their paths, and the text that does what is asked of them. */
const STAND_INS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['Constants', 'Utils', 'Socket', 'SIPMessage', 'Transactions'].map((name) => [
      `jssip/lib/${name}`,
      `export * from ${runtimeModule('jssip')};`,
    ]),
  ),
  // Read by nobody, unless DEBUG is in the environment.
  'jssip/lib/Logger': 'module.exports = class { debug() {} warn() {} error() {} };',
  // Of the registrar, that is never written; challenges are answered by `core/sip`.
  'jssip/lib/URI': 'module.exports = class {};',
  'jssip/lib/DigestAuthentication': 'module.exports = class {};',
  'reflect-metadata/Reflect': `import { addMetadata } from ${runtimeModule('reflect-metadata')}; addMetadata();`,
  'core/content/xml/document-content': `export * from ${runtimeModule('document-content')};`,
  'memory-level/index': `export * from ${runtimeModule('memory-store')};`,
  // What it suggests, it suggests where a configuration is validated.
  'fastest-levenshtein/esm/mod': 'export const distance = () => Infinity;',
};

/** Likewise, with what Node.js has. */
const STAND_INS_OF_NODE: Readonly<Record<string, string>> = {
  'classic-level/index': `export * from ${runtimeModule('level-store')};`,
  'core/content/fetch/addresses': `export * from ${runtimeModule('addresses')};`,
};

/** Features that are left out. */
export function unusedOf(features: Features): readonly Unused[] {
  return UNUSED.filter(({ unless }) => !unless(features));
}

/** The text of the module that takes the place of one at `path`; undefined where that stays. */
export function replacementOf(path: string, features: Features): string | undefined {
  for (const { feature, modules } of unusedOf(features)) {
    const names = find(path, modules);
    if (names !== undefined) return stub(feature, names);
  }
  return find(path, features.platform === 'node' ? { ...STAND_INS, ...STAND_INS_OF_NODE } : STAND_INS);
}

/** Specifier of a module of `runtime`, in quotes. */
function runtimeModule(name: string): string {
  return JSON.stringify(`${RUNTIME}${name}`);
}

function find<T>(path: string, modules: Readonly<Record<string, T>>): T | undefined {
  const name = path.replaceAll('\\', '/').replace(/\.[cm]?[jt]s$/, '');
  const found = Object.keys(modules).find((module) => name.endsWith(`/${module}`));
  return found === undefined ? undefined : modules[found];
}

/** A function, and no arrow: some are constructed, or extended. */
function stub(feature: string, names: readonly string[]): string {
  const text = JSON.stringify(`this bundle was made without ${feature}`);
  const exported = names.map((name) => `unused as ${name}`).join(', ');
  return `function unused() { throw new Error(${text}); }\nexport { ${exported} };\n`;
}
