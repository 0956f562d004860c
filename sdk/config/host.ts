/** Loads the configuration file of a host into the options of a push host. */

import { resolve } from 'node:path';
import { z } from 'zod';
import { isolated } from '../../core/app/isolation/isolated.js';
import { MIN_MEMORY } from '../../core/app/isolation/limits.js';
import type { AppToLoad } from '../../core/app/runtime.js';
import { defined } from '../../core/defined.js';
import { ConfigurationError } from '../../core/errors.js';
import type { HostedApp, PushHostOptions } from '../../core/host.js';
import {
  applicationUrl,
  importApplication,
  type LocatedApplication,
  locateApplication,
} from '../manifest/applications.js';
import { checkOptions } from '../manifest/check-options.js';
import { serviceProblem, servicesOf } from '../manifest/required-services.js';
import { permissionKeys } from '../manifest/schema.js';
import { accountKeys, accountOptions, listenKeys, listenOptions } from './account.js';
import { count, fetchKeys, port, seconds, sipUri, text, trustEntry } from './fields.js';
import { loadConfig } from './load.js';
import { relayAccount, relayKeys } from './relay.js';

const DEFAULT_EXPIRES = 3600;
const DEFAULT_DATA = './data';

const isolation = z.union([
  z.enum(['none', 'worker']),
  z.strictObject({
    type: z.literal('worker'),
    memory: z.int().min(MIN_MEMORY, `expected bytes, ${MIN_MEMORY} or more`).optional(),
    unresponsive: seconds.optional(),
  }),
]);

const app = z.union([
  text,
  z.strictObject({
    use: text,
    options: z.record(z.string(), z.unknown()).optional(),
    isolation: isolation.optional(),
    permissions: permissionKeys.optional(),
    optional: z.boolean().optional(),
  }),
]);

const schema = z.strictObject({
  ...accountKeys,
  instanceId: z
    .string()
    .regex(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'expected urn:uuid: and a UUID')
    .optional(),
  expires: seconds.optional(),
  ...listenKeys,
  trust: z.array(trustEntry).optional(),
  apps: z.array(app).min(1, 'expected at least one application'),
  data: text.optional(),
  store: z.enum(['level', 'memory']).optional(),
  finishedBytes: count.optional(),
  inbox: z.strictObject({ count: count.optional(), bytes: count.optional() }).optional(),
  deadLetters: z
    .strictObject({ count: count.optional(), bytes: count.optional(), fileBytes: count.optional() })
    .optional(),
  senders: z.array(sipUri).optional(),
  fetch: fetchKeys.optional(),
  msrp: z
    .strictObject({ relay: relayKeys.optional(), maxSize: count.optional(), sessions: count.optional() })
    .optional(),
  profile: z
    .strictObject({
      vendor: text.optional(),
      model: text.optional(),
      url: z
        .url({ protocol: /^https?$/, error: 'expected e.g. http://profiles.vendor.test/m1.xml' })
        .optional(),
      host: text.optional(),
      port: port.optional(),
    })
    .optional(),
});

export type HostSettings = Omit<PushHostOptions, 'onEvent' | 'onWire' | 'onLog'>;

/** Settings of a host that loads all applications at the start, in its own thread. */
export type PlainHostSettings = Omit<HostSettings, 'apps'> & { apps: readonly AppToLoad[] };

/** Called for an optional application that cannot be loaded, with its index in `apps`. */
export type OnOmitted = (message: string, index: number) => void;

/**
 * @param onOmitted if absent, an optional application that cannot be loaded is an error.
 * @throws ConfigurationError naming the file, and the invalid key or application.
 */
export function loadHostSettings(file: string, onOmitted?: OnOmitted): Promise<HostSettings> {
  const find: Find<HostedApp> = async ({ use, isolation = 'none' }, located) => {
    const { manifest } = located;
    if (isolation === 'none') {
      const loaded = () => importApplication(use, located.specifier);
      return manifest?.activation === 'push' ? { manifest, load: loaded } : { definition: await loaded() };
    }
    const { type: _, ...bounds } = isolation === 'worker' ? { type: isolation } : isolation;
    const worker = { module: applicationUrl(located), ...defined(bounds) };
    if (manifest?.activation === 'push') return { manifest, load: () => isolated(worker) };
    return { module: worker.module, isolation: defined(bounds) };
  };
  return load(file, find, onOmitted);
}

/**
 * Like `loadHostSettings`, but loads all applications at the start, in the host's own thread.
 * @param warn called for each setting of the configuration that has no effect.
 */
export function loadPlainHostSettings(
  file: string,
  warn: (line: string) => void,
  onOmitted?: OnOmitted,
): Promise<PlainHostSettings> {
  const find: Find<Pick<AppToLoad, 'definition'>> = async (
    { use, isolation = 'none' },
    { specifier },
    where,
  ) => {
    if (isolation !== 'none') warn(`${where}: "isolation" has no effect here`);
    return { definition: await importApplication(use, specifier) };
  };
  return load(file, find, onOmitted);
}

type Entry = Exclude<z.infer<typeof app>, string>;

/** Settings of an application that apply in the host's thread and in a worker. */
type CommonFields = Omit<AppToLoad, 'definition'>;

type Find<App> = (entry: Entry, located: LocatedApplication, where: string) => Promise<App>;

async function load<App>(
  file: string,
  find: Find<App>,
  onOmitted?: OnOmitted,
): Promise<Omit<HostSettings, 'apps'> & { apps: (App & CommonFields)[] }> {
  const { config, folder } = await loadConfig(file, schema);
  const account = await accountOptions(config, file, folder);
  const omit = (index: number, { optional }: Entry, error: unknown) => {
    const message = `${file}: "apps[${index}]": ${(error as Error).message}`;
    if (!optional || !onOmitted) throw new ConfigurationError(message, { cause: error });
    onOmitted(`${message}; it is optional, and left out`, index);
  };
  const located: { index: number; entry: Entry; location: LocatedApplication }[] = [];
  for (const [index, app] of config.apps.entries()) {
    const entry = typeof app === 'string' ? { use: app } : app;
    try {
      const location = await locateApplication(entry.use, folder);
      if (location.manifest) checkOptions(location.manifest, entry.options);
      located.push({ index, entry, location });
    } catch (error) {
      omit(index, entry, error);
    }
  }
  // No module is loaded before all options are valid.
  const found: { index: number; app: App & CommonFields }[] = [];
  for (const { index, entry, location } of located) {
    try {
      const app = await find(entry, location, `${file}: "apps[${index}]"`);
      found.push({ index, app: { ...commonFields(entry, location), ...app } });
    } catch (error) {
      omit(index, entry, error);
    }
  }
  const apps = (await withServices(found, file, folder, onOmitted)).map(({ app }) => app);
  if (config.listen && config.senders) {
    throw new ConfigurationError(
      `${file}: "senders" cannot be combined with "listen": capabilities are negotiated after a registration, and a receiver on an application server has none`,
    );
  }
  return {
    ...account,
    instanceId: config.instanceId,
    expires: config.expires ?? DEFAULT_EXPIRES,
    ...listenOptions(config, file),
    trust: config.trust ?? [],
    apps,
    relay:
      config.msrp?.relay === undefined
        ? undefined
        : await relayAccount(config.msrp.relay, account, file, folder),
    senders: config.senders,
    profile: config.profile === undefined ? undefined : defined(config.profile),
    fetch: config.fetch === undefined ? undefined : defined(config.fetch),
    maxSize: config.msrp?.maxSize,
    sessions: config.msrp?.sessions,
    finishedBytes: config.finishedBytes,
    inbox: config.inbox && defined(config.inbox),
    deadLetters: config.deadLetters && defined(config.deadLetters),
    data: config.store === 'memory' ? undefined : resolve(folder, config.data ?? DEFAULT_DATA),
  };
}

/**
 * The applications whose services have providers. The check needs no application that starts.
 * @throws ConfigurationError naming the service and how to add a provider.
 */
async function withServices<Found extends { index: number; app: Partial<AppToLoad> }>(
  found: readonly Found[],
  file: string,
  folder: string,
  onOmitted?: OnOmitted,
): Promise<readonly Found[]> {
  const items = found.map(({ app }) => servicesOf(app));
  const known = items.filter((item) => item !== undefined);
  // The application without a manifest could be the provider. The runtime reports a missing one at the start.
  if (known.length < items.length) return found;
  const problem = await serviceProblem(known, folder, addToApps);
  if (!problem) return found;
  const omitted = found.findLast(
    ({ app }, at) => app.optional && problem.apps.some((item) => item === items[at]),
  );
  const message = `${file}: "apps": ${problem.message}`;
  if (!omitted || !onOmitted) throw new ConfigurationError(message, { cause: problem.cause });
  onOmitted(`${message}; it is optional, and left out`, omitted.index);
  return await withServices(
    found.filter((each) => each !== omitted),
    file,
    folder,
    onOmitted,
  );
}

function addToApps(use?: string): string {
  return `add ${use === undefined ? 'the package that provides it' : `"${use}"`} to "apps"`;
}

/** Permissions in the configuration take precedence over those in the manifest. */
function commonFields(
  { options, permissions, optional }: Entry,
  { manifest }: LocatedApplication,
): CommonFields {
  const allowed = { ...manifest?.permissions, ...defined(permissions ?? {}) };
  return {
    options,
    permissions: Object.keys(allowed).length > 0 ? allowed : undefined,
    optional,
    manifest,
  };
}
