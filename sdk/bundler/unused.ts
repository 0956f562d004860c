/**
 * What a bundle does without, the one list of it: modules of features that its configuration cannot use, each replaced
 * by functions that say so if they are called all the same.
 */

import { moduleIn, RUNTIME } from './stand-ins.js';

/** What the configuration says of features. */
export interface Features {
  platform: 'node' | 'browser';
  store: 'level' | 'memory';
  /** "server" or "listen" is of UDP. */
  udp: boolean;
  /** "server", "listen" or "msrp.relay" is of a WebSocket. */
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
  /** Applications that set alarms. */
  schedule: boolean;
  /** Applications that make services for others. */
  provides: boolean;
  /** Applications whose options a schema of theirs checks. */
  schemas: boolean;
  /** Applications whose storage is bounded by "permissions". */
  quotas: boolean;
  /** Applications in workers. */
  workers: boolean;
  /** Applications that do not come with this package. */
  foreign: boolean;
}

interface Unused {
  /** As `--manifest` calls it: by its key in the configuration, where it has one. */
  feature: string;
  unless(features: Features): boolean;
  /** By the end of their paths: the functions that each exports, or its text where it has something to do all the same. */
  modules: Readonly<Record<string, readonly string[] | string>>;
}

const UNUSED: readonly Unused[] = [
  {
    feature: 'UDP',
    unless: ({ udp }) => udp,
    modules: {
      'core/sip/udp-flow': ['UdpClientFlow', 'UdpPort'],
      'core/platform/node/datagram': ['openDatagram'],
    },
  },
  {
    feature: 'WebSocket',
    unless: ({ webSocket }) => webSocket,
    modules: { 'core/platform/node/websocket-channel': ['connectWebSocket', 'listenWebSocket'] },
  },
  {
    feature: 'aka',
    unless: ({ aka }) => aka,
    modules: { 'core/sip/aka/aka-answers': ['akaAnswers', 'unchallenged'] },
  },
  {
    feature: 'msrp.relay',
    unless: ({ relay }) => relay,
    modules: {
      'core/msrp/relay': ['MsrpRelay'],
      'core/receiver/session/relayed-place': ['RelayedPlace'],
    },
  },
  {
    feature: 'senders',
    unless: ({ senders }) => senders,
    modules: {
      'core/receiver/negotiation/negotiations':
        'export class Negotiations { capabilities = new Map(); begin() {} async stop() {} }',
    },
  },
  {
    feature: 'profile',
    unless: ({ profile }) => profile,
    modules: {
      'core/receiver/negotiation/profile': ['DeviceProfile'],
      'core/platform/node/http-server': ['listenHttp'],
    },
  },
  {
    feature: 'listen',
    unless: ({ listen }) => listen,
    modules: { 'core/sip/listener': ['listen'] },
  },
  {
    feature: 'what only senders do',
    unless: () => false,
    modules: {
      'core/sip/subscriptions':
        'export class Subscriptions { of() {} reconnected() {} async close() {} abandon() {} }',
      'core/sip/outgoing-invite': ['OutgoingInvite'],
      'core/msrp/outgoing-transfer': ['OutgoingTransfer'],
    },
  },
  {
    feature: 'descriptions and queries',
    unless: ({ platform }) => platform === 'browser',
    modules: {
      'core/app/describe': ['describePush'],
      'core/app/query': ['queryApplication'],
      'plugins/dcd.ua/description': ['describeContent'],
      'plugins/mms.ua/description': ['describeIncoming'],
      'plugins/mms.ua/queries': 'export class Queries {}',
      'plugins/syncml.dm/description': ['describeNotification'],
      'plugins/wml.ua/description': ['describeDocument'],
    },
  },
  {
    feature: 'alarms',
    unless: ({ schedule }) => schedule,
    modules: {
      'core/app/alarms': ['Alarms'],
      'core/app/alarm-values': ['alarmChange', 'alarmKey', 'readAlarm'],
      'core/app/give-alarm': ['giveAlarm'],
      'core/app/schedule-service': ['ScheduleService'],
    },
  },
  {
    feature: 'isolation',
    unless: ({ workers }) => workers,
    modules: {
      'core/app/isolation/isolated': ['isolated'],
      'core/platform/node/worker': ['startWorker'],
    },
  },
  {
    feature: 'writing XML and WBXML',
    unless: ({ foreign, profile }) => foreign || profile,
    modules: { 'core/content/wbxml/encoder': ['encodeWbxml'], 'core/content/xml/write-xml': ['writeXml'] },
  },
  {
    feature: 'services of applications for each other',
    unless: ({ provides }) => provides,
    modules: {
      'core/app/provided': `export const needed = ({ needs }) => ({ ofHost: needs, ofApplications: {} });
        export const requireSoleProvider = () => {}, requireUnused = () => {}, usersOf = () => [];`,
      'core/app/load-order': 'export const inLoadOrder = (apps) => apps, providedTwice = Error;',
    },
  },
  {
    feature: 'activation at the first push',
    // It is in the bundle anyway: there is nothing to wait for a push with.
    unless: () => false,
    modules: {
      'core/app/dormant': 'export class DormantApp {} export const whenAwake = (_app, _clock, go) => go();',
      'core/app/static-manifest': ['requireAgreement'],
    },
  },
  {
    feature: 'schemas of options',
    unless: ({ schemas }) => schemas,
    modules: {
      'core/app/app-options': 'export const readOptions = async (_id, _schema, options) => options;',
    },
  },
  {
    feature: 'quotas of storage',
    unless: ({ quotas }) => quotas,
    modules: { 'core/app/storage-account': ['StorageAccount'] },
  },
  {
    feature: 'names of WAP applications in binary headers',
    // None of ours reads any.
    unless: ({ foreign }) => foreign,
    modules: {
      'core/content/wsp/application-ids': `export const applicationIdOfCode = (code) => code.toString(16).toUpperCase().padStart(2, '0');
        export function codeOfApplicationId() {}`,
    },
  },
  {
    feature: 'a store in memory',
    unless: ({ store }) => store === 'memory',
    modules: { 'runtime/memory-store': ['MemoryLevel'] },
  },
  {
    feature: 'a store on disk',
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
