/**
 * What a bundle does without, the one list of it: modules of features that its configuration cannot use, each replaced
 * by functions that say so if they are called all the same.
 */

import { moduleIn, RUNTIME } from './stand-ins.js';

/** What the configuration says of features. */
export interface Features {
  platform: 'node' | 'browser';
  store: 'level' | 'memory';
  /** Some URI in it is of a WebSocket. */
  webSocket: boolean;
  /** A subscriber with a UICC. */
  aka: boolean;
  /** An MSRP relay. */
  relay: boolean;
  /** Push Sender Agents to negotiate with. */
  senders: boolean;
  /** A User Agent Profile. */
  profile: boolean;
  /** An address for a receiver on an application server. */
  listen: boolean;
  /** Applications in workers. */
  workers: boolean;
  /** Applications that do not come with this package. */
  foreign: boolean;
}

interface Unused {
  /** As `--manifest` calls it. */
  feature: string;
  unless(features: Features): boolean;
  /** By the end of their paths: the functions that each exports, or its text where it has something to do all the same. */
  modules: Readonly<Record<string, readonly string[] | string>>;
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
    feature: 'MSRP relays ("msrp.relay" is absent)',
    unless: ({ relay }) => relay,
    modules: {
      'core/msrp/relay': ['MsrpRelay'],
      'core/receiver/session/relayed-place': ['RelayedPlace'],
    },
  },
  {
    feature: 'capability negotiation ("senders" is absent)',
    unless: ({ senders }) => senders,
    modules: {
      'core/receiver/negotiation/negotiations':
        'export class Negotiations { capabilities = new Map(); begin() {} async stop() {} }',
    },
  },
  {
    feature: 'a User Agent Profile ("profile" is absent)',
    unless: ({ profile }) => profile,
    modules: {
      'core/receiver/negotiation/profile': ['DeviceProfile'],
      'core/platform/node/http-server': ['listenHttp'],
    },
  },
  {
    feature: 'a receiver on an application server ("listen" is absent)',
    unless: ({ listen }) => listen,
    modules: { 'core/sip/listener': ['listen'] },
  },
  {
    feature: 'subscriptions and INVITEs of its own (a Push Sender Agent has them)',
    unless: () => false,
    modules: {
      'core/sip/subscriptions':
        'export class Subscriptions { of() {} reconnected() {} async close() {} abandon() {} }',
      'core/sip/outgoing-invite': ['OutgoingInvite'],
    },
  },
  {
    feature: 'workers (no application has "isolation")',
    unless: ({ workers }) => workers,
    modules: {
      'core/app/isolation/isolated': ['isolated'],
      'core/platform/node/worker': ['startWorker'],
    },
  },
  {
    feature: 'writing XML and WBXML (none of its applications does)',
    unless: ({ foreign, profile }) => foreign || profile,
    modules: { 'core/content/wbxml/encoder': ['encodeWbxml'], 'core/content/xml/write-xml': ['writeXml'] },
  },
  {
    feature: 'a store in memory ("store" is "level")',
    unless: ({ store }) => store === 'memory',
    modules: { 'runtime/memory-store': ['MemoryLevel'] },
  },
  {
    feature: 'a store on disk ("store" is "memory")',
    unless: ({ store }) => store === 'level',
    modules: { 'runtime/level-store': ['ClassicLevel'], 'runtime/indexed-store': ['BrowserLevel'] },
  },
];

/** Features that are left out. */
export function unusedOf(features: Features): readonly Unused[] {
  return UNUSED.filter(({ unless }) => !unless(features));
}

/** The text of the module that takes the place of one at `path`; undefined where that stays. */
export function unusedText(path: string, features: Features): string | undefined {
  for (const { feature, modules } of unusedOf(features)) {
    const names = moduleIn(modules, path);
    if (names !== undefined) return typeof names === 'string' ? names : stub(feature, names);
  }
  return undefined;
}

/** A function, and no arrow: some are constructed, or extended. */
function stub(feature: string, names: readonly string[]): string {
  const exported = names.map((name) => `unused as ${name}`).join(', ');
  return `import { without } from '${RUNTIME}without';
function unused() { without(${JSON.stringify(feature)}); }
export { ${exported} };
`;
}
