/**
 * What a bundle does without: modules of features that its configuration cannot use. The one list of them; each is
 * replaced by functions that say so if they are called all the same.
 */

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
  /** By the end of their paths: what each exports. `default` is the whole of a CommonJS module. */
  modules: Readonly<Record<string, readonly string[]>>;
}

const UNUSED: readonly Unused[] = [
  {
    feature: 'WebSocket ("server" and "msrp.relay" use none)',
    unless: ({ webSocket }) => webSocket,
    modules: {
      'core/platform/node/websocket-channel': ['connectWebSocket', 'listenWebSocket'],
    },
  },
  {
    feature: 'IMS AKA ("aka" is absent)',
    unless: ({ aka }) => aka,
    modules: { 'core/sip/aka/aka-answers': ['akaAnswers', 'unchallenged'] },
  },
  {
    feature: 'a store in memory ("store" is "level")',
    unless: ({ store }) => store === 'memory',
    modules: { 'node_modules/memory-level/index': ['MemoryLevel'] },
  },
  {
    feature: 'a store on disk ("store" is "memory")',
    unless: ({ store }) => store === 'level',
    modules: { 'node_modules/classic-level/index': ['ClassicLevel'] },
  },
];

/** Whose modules are replaced. */
export function unusedOf(features: Features): readonly Unused[] {
  return UNUSED.filter(({ unless }) => !unless(features));
}

/** The module that takes the place of one at `path`; undefined where that stays. */
export function replacementOf(path: string, unused: readonly Unused[]): string | undefined {
  const name = path.replaceAll('\\', '/').replace(/\.[cm]?[jt]s$/, '');
  for (const { feature, modules } of unused) {
    const found = Object.keys(modules).find((module) => name.endsWith(`/${module}`));
    if (found !== undefined) return stub(feature, modules[found] ?? []);
  }
  return undefined;
}

/** A function, and no arrow: some are constructed, or extended. */
function stub(feature: string, names: readonly string[]): string {
  const text = JSON.stringify(`this bundle was made without ${feature}`);
  const exported = names.map((name) => `unused as ${name}`).join(', ');
  return `function unused() { throw new Error(${text}); }\nexport { ${exported} };\n`;
}
