/** Loads the configuration file of a sender into the options of a Push Sender Agent. */

import { resolve } from 'node:path';
import { z } from 'zod';
import { isEventAppId } from '../../core/app/contract/event-app-id.js';
import { defined } from '../../core/defined.js';
import type { PublishOptions } from '../../core/sender/publisher.js';
import type { PushSenderOptions } from '../../core/sender/sender.js';
import type { MediaOptions } from '../../core/sender/session/media-listener.js';
import type { PushSenderHostOptions } from '../../core/sender-host.js';
import { accountKeys, accountOptions, listenKeys, listenOptions } from './account.js';
import { count, fetchKeys, port, ports, sipUri, text, tlsFiles, trustEntry } from './fields.js';
import { loadConfig } from './load.js';
import { relayAccount, relayKeys } from './relay.js';
import { loadTls } from './tls.js';

/** A Bearer token (RFC 6750 §2.1) that is long enough to resist guessing. */
const BEARER = /^[A-Za-z0-9._~+/-]{16,}=*$/;

const schema = z.strictObject({
  ...accountKeys,
  register: z.boolean().optional(),
  ...listenKeys,
  assertIdentity: z.boolean().optional(),
  msrp: z
    .strictObject({
      host: text.optional(),
      ports: ports.optional(),
      transport: z.enum(['tcp', 'ws']).optional(),
      relay: relayKeys.optional(),
      tls: tlsFiles.optional(),
    })
    .optional(),
  publish: z
    .strictObject({
      host: text.optional(),
      port: port.optional(),
      url: z
        .url({ protocol: /^https?$/, error: 'expected e.g. https://push.operator.test/content' })
        .optional(),
      tls: tlsFiles.optional(),
      count: count.optional(),
      bytes: count.optional(),
    })
    .optional(),
  trust: z.array(trustEntry).optional(),
  apps: z.array(text.refine(isEventAppId, 'expected an event-app-id, e.g. mms.ua')).optional(),
  watch: z.array(sipUri).optional(),
  outstanding: count.optional(),
  fetch: fetchKeys.optional(),
  data: text.optional(),
  store: z.enum(['level', 'memory']).optional(),
  api: z
    .strictObject({
      host: text.optional(),
      port: port.optional(),
      key: z.string().regex(BEARER, 'expected at least 16 letters, digits or -._~+/').optional(),
      maxSize: count.optional(),
      hosts: z.array(text).optional(),
      maxConnections: count.optional(),
    })
    .optional(),
});
type Config = z.infer<typeof schema>;

const DEFAULT_DATA = './sender-data';
/** By default the API is reachable only from this machine. */
const DEFAULT_API = { host: '127.0.0.1', port: 8642, maxSize: 1024 ** 3 };
/** By default only receivers on this machine can fetch published content. */
const DEFAULT_PUBLISH = { host: '127.0.0.1', port: 0 };

/**
 * Settings of a sender that sends one push. Keys for a long-running sender have no effect.
 * @throws ConfigurationError naming the file and the invalid key.
 */
export async function loadSenderSettings(file: string): Promise<PushSenderOptions> {
  const { config, folder } = await loadConfig(file, schema);
  return {
    ...(await agentOptions(config, file, folder)),
    // Each run registers as a new instance, because its registration ends with the process.
    instanceId: (config.register ?? true) ? `urn:uuid:${crypto.randomUUID()}` : undefined,
  };
}

export interface SenderHostSettings {
  host: PushSenderHostOptions;
  api: {
    host: string;
    port: number;
    key?: string;
    maxSize: number;
    hosts?: string[];
    maxConnections?: number;
  };
}

/**
 * Settings of a long-running sender.
 * @throws ConfigurationError naming the file and the invalid key.
 */
export async function loadSenderHostSettings(file: string): Promise<SenderHostSettings> {
  const { config, folder } = await loadConfig(file, schema);
  const { trust, apps, watch, outstanding, fetch, data = DEFAULT_DATA, store, api = {} } = config;
  return {
    host: {
      ...(await agentOptions(config, file, folder)),
      register: config.register ?? true,
      trust,
      apps,
      watch,
      outstanding,
      fetch: fetch === undefined ? undefined : defined(fetch),
      data: store === 'memory' ? undefined : resolve(folder, data),
    },
    api: { ...DEFAULT_API, ...defined(api) },
  };
}

async function agentOptions(config: Config, file: string, folder: string) {
  const account = await accountOptions(config, file, folder);
  return {
    ...account,
    ...listenOptions(config, file),
    assertIdentity: config.assertIdentity ?? true,
    media: config.msrp && (await mediaOptions(config.msrp, account, file, folder)),
    publish: await publishOptions(config.publish ?? {}, file, folder),
  };
}

async function mediaOptions(
  { tls, relay, ...options }: NonNullable<Config['msrp']>,
  account: Parameters<typeof relayAccount>[1],
  file: string,
  folder: string,
): Promise<MediaOptions> {
  return {
    ...defined(options),
    tls: tls === undefined ? undefined : await loadTls(tls, `${file}: "msrp"`, folder),
    relay: relay === undefined ? undefined : await relayAccount(relay, account, file, folder),
  };
}

async function publishOptions(
  { tls, ...options }: NonNullable<Config['publish']>,
  file: string,
  folder: string,
): Promise<PublishOptions> {
  const certificate = tls ? { tls: await loadTls(tls, `${file}: "publish"`, folder) } : {};
  return { ...DEFAULT_PUBLISH, ...defined(options), ...certificate };
}
