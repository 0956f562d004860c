/**
 * Generates the entry module of a bundle: a host that imports only the features and applications of its
 * configuration.
 */

import type { WorkerIsolation } from '../../core/app/isolation/isolated.js';
import type { HostSettings } from '../config/host.js';

/** Prefix of the specifier of an application; its index in the configuration follows. */
export const APPLICATION = 'sip-push-application:';
/** Prefix of the specifier of a module of this package; its path without extension follows. */
export const OWN_MODULE = 'sip-push-module:';
/** Placeholder for the contents of the bundle, which are known only after bundling. */
export const CONTENTS = '__SIP_PUSH_CONTENTS__';

/** Features that a host has only if its entry module imports them. */
export interface Features {
  webSocket: boolean;
  durableStore: boolean;
  memoryStore: boolean;
  senders: boolean;
  relay: boolean;
  aka: boolean;
  isolation: boolean;
}

/** Hexadecimal keys of a UICC in a configuration. */
export interface UiccKeys {
  k: string;
  opc?: string;
  op?: string;
  sqn?: string;
}

export interface EntryOptions {
  platform: 'node' | 'browser';
  settings: HostSettings;
  features: Features;
  /** Folder of the durable store, relative to the bundle. */
  data?: string;
  /** In the order of the applications; undefined for an application in the host's own thread. */
  isolation: readonly (WorkerIsolation | undefined)[];
  aka?: UiccKeys;
}

/** Displayed names of the features. */
const NAMES: Readonly<Record<keyof Features, string>> = {
  webSocket: 'WebSocket',
  durableStore: 'a durable store',
  memoryStore: 'a store in memory',
  senders: 'senders',
  relay: 'msrp.relay',
  aka: 'aka',
  isolation: 'isolation',
};

/** Displayed names of the unused features. */
export function omittedFeatures(features: Features): string[] {
  return Object.entries(NAMES).flatMap(([feature, name]) =>
    features[feature as keyof Features] ? [] : [name],
  );
}

export function entryModule(options: EntryOptions): string {
  const { platform, settings, features, isolation } = options;
  const apps = settings.apps.map((app, index) => application(platform, app, index, isolation[index]));
  const host = [
    `settings: { ${settingsOf(options).join(', ')} }`,
    `apps: async (log) => [\n    ${apps.join(',\n    ')},\n  ]`,
    `contents: ${CONTENTS}`,
    'url: import.meta.url',
  ];
  const inWorker = `serveWorker((name) => [${apps.map((_, index) => `application${index}`)}][name])`;
  const run = {
    node: features.isolation
      ? `if (insideWorker) ${inWorker};\nelse await runHost(host);`
      : 'await runHost(host);',
    browser: 'export const start = startOf(host);\nexport const { contents } = host;',
  };
  return [
    ...imports(options),
    ...apps.flatMap((_, index) => [
      `import module${index} from '${APPLICATION}${index}';`,
      `const application${index} = exportedApplication({ default: module${index} });`,
    ]),
    `const host = {\n  ${host.join(',\n  ')},\n};`,
    run[platform],
    '',
  ].join('\n');
}

/** A user equipment of IMS has a UICC, or names its access network. */
function isOfIms({ settings, features }: EntryOptions): boolean {
  return features.aka || settings.accessNetworkInfo !== undefined;
}

function imports(options: EntryOptions): string[] {
  const { platform, features } = options;
  const modules: [used: boolean, clause: string, module: string][] = [
    [features.webSocket && platform === 'node', '', 'core/platform/node/web-sockets'],
    [features.durableStore, '', `core/platform/${platform}/level-store`],
    [features.memoryStore, '', 'core/platform/memory-store'],
    [features.senders, 'negotiateWith', 'core/receiver/negotiation'],
    [isOfIms(options), 'watchRegistration', 'core/receiver/own-registration'],
    [features.relay, 'throughRelay', 'core/receiver/session/media-connector'],
    [features.aka, 'akaCredentials', 'core/sip/authentication/aka-answers'],
    [features.aka, 'SoftwareUicc', 'core/sip/authentication/software-uicc'],
    [true, 'exportedApplication', 'core/app/application/default-export'],
    [features.isolation, 'isolated', 'core/app/isolation/isolated'],
    [features.isolation, 'loadOptional', 'core/app/application/optional-app'],
    [features.isolation, 'insideWorker, serveWorker', 'core/worker'],
    [platform === 'node', 'runHost', 'sdk/cli/bundled-host'],
    [platform === 'node', 'namedDefinition', 'sdk/manifest/running-application'],
    [platform === 'browser', 'startOf', 'sdk/bundler/browser-host'],
  ];
  return modules.flatMap(([used, clause, module]) =>
    used ? [`import ${clause === '' ? '' : `{ ${clause} } from `}'${OWN_MODULE}${module}';`] : [],
  );
}

function settingsOf(options: EntryOptions): string[] {
  const { settings, features, data, aka } = options;
  const { apps: _, data: __, senders, relay, credentials, ...rest } = settings;
  const plain = { ...rest, data, credentials: features.aka ? undefined : credentials };
  return [
    `...${literal(plain)}`,
    ...(features.senders
      ? [`negotiate: negotiateWith(${literal(senders)}, ${literal(settings.profile)})`]
      : []),
    ...(isOfIms(options) ? ['registrationEvents: watchRegistration'] : []),
    ...(features.relay ? [`relay: throughRelay(${literal(relay)})`] : []),
    ...(aka ? [`credentials: akaCredentials(${literal(credentials?.username)}, ${softwareUicc(aka)})`] : []),
  ];
}

/** An application in the options of the host. A worker finds its application by index. */
function application(
  platform: EntryOptions['platform'],
  app: HostSettings['apps'][number],
  index: number,
  isolation?: WorkerIsolation,
): string {
  const worker = `await isolated({ module: '${index}', script: new URL(import.meta.url), ...${literal(isolation)} })`;
  const inThread = platform === 'node' ? `namedDefinition(application${index})` : `application${index}`;
  const definition = isolation ? worker : inThread;
  const permissions = app.permissions ? `, permissions: ${literal(app.permissions)}` : '';
  const optional = app.optional ? ', optional: true' : '';
  const made = `{ definition: ${definition}, options: ${literal(app.options)}${permissions}${optional} }`;
  if (!isolation || !app.optional) return made;
  return `...(await loadOptional(application${index}.id, log, async () => (${made})))`;
}

function softwareUicc({ k, opc, op = '', sqn }: UiccKeys): string {
  const operator = opc === undefined ? `{ op: ${octets(op)} }` : `{ opc: ${octets(opc)} }`;
  const known = sqn === undefined ? '' : `, sqn: ${Number.parseInt(sqn, 16)}`;
  return `new SoftwareUicc({ k: ${octets(k)}, operator: ${operator}${known} })`;
}

function octets(hexadecimal: string): string {
  return `Uint8Array.of(${[...Buffer.from(hexadecimal, 'hex')]})`;
}

/** PEM files are embedded as text. JSON is parsed at run time if it has the key `__proto__`, which a literal would set. */
function literal(value: unknown): string {
  if (value === undefined) return 'undefined';
  const json = JSON.stringify(value, (_, inner: unknown) => {
    const bytes = Object(inner);
    if (bytes instanceof Uint8Array) return Buffer.from(bytes).toString('utf8');
    // JSON.stringify calls Buffer.toJSON before the replacer.
    return bytes.type === 'Buffer' && Array.isArray(bytes.data)
      ? Buffer.from(bytes.data).toString('utf8')
      : inner;
  });
  return json.includes('"__proto__"') ? `JSON.parse(${JSON.stringify(json)})` : json;
}
