/** The configuration of a host: from a file to the options of a push host. */

import { resolve } from 'node:path';
import { z } from 'zod';
import { ConfigurationError } from '../../../core/errors.js';
import { given } from '../../../core/given.js';
import type { PushHostOptions } from '../../../core/host.js';
import { findApplication } from '../applications.js';
import { accountKeys, accountOptions } from './account.js';
import { fetchKeys } from './fetch.js';
import { count, endpoint, port, seconds, sipUri, text } from './fields.js';
import { loadConfig } from './load.js';
import { relayAccount, relayKeys } from './relay.js';
import { trusted } from './trusted.js';

const DEFAULT_EXPIRES = 3600;
const DEFAULT_DATA = './data';

const app = z.union([
  text,
  z.strictObject({
    use: text,
    options: z.record(z.string(), z.unknown()).optional(),
    isolation: z.enum(['none', 'worker']).optional(),
  }),
]);

const schema = z.strictObject({
  ...accountKeys,
  instanceId: z
    .string()
    .regex(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'expected urn:uuid: and a UUID')
    .optional(),
  expires: seconds.optional(),
  listen: endpoint.optional(),
  trust: z.array(trusted).optional(),
  apps: z.array(app).min(1, 'expected at least one application'),
  data: text.optional(),
  store: z.enum(['level', 'memory']).optional(),
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

/**
 * @param warn is told of keys that have no effect.
 * @throws ConfigurationError naming the file, and the key or the application that is wrong.
 */
export async function loadHostSettings(file: string, warn: (line: string) => void): Promise<HostSettings> {
  const { config, folder } = await loadConfig(file, schema);
  const account = await accountOptions(config, file, folder);
  const entries = config.apps.map((entry) => (typeof entry === 'string' ? { use: entry } : entry));
  const apps: PushHostOptions['apps'][number][] = [];
  for (const [index, { use, options }] of entries.entries()) {
    apps.push({ definition: await find(use, folder, `${file}: "apps[${index}]"`), options });
  }
  if (config.listen && config.senders) {
    throw new ConfigurationError(
      `${file}: "senders" are told after a registration; a receiver with "listen", on an application server, has none`,
    );
  }
  for (const [index, { isolation }] of entries.entries()) {
    if (isolation === 'worker') warn(`${file}: "apps[${index}].isolation" has no effect in this version`);
  }
  return {
    ...account,
    ...(config.instanceId ? { instanceId: config.instanceId } : {}),
    expires: config.expires ?? DEFAULT_EXPIRES,
    ...(config.listen ? { listen: config.listen } : {}),
    trust: config.trust ?? [],
    apps,
    ...(config.msrp?.relay ? { relay: await relayAccount(config.msrp.relay, account, file, folder) } : {}),
    ...(config.senders ? { senders: config.senders } : {}),
    ...(config.profile ? { profile: given(config.profile) } : {}),
    ...(config.fetch ? { fetch: given(config.fetch) } : {}),
    ...given({ maxSize: config.msrp?.maxSize, sessions: config.msrp?.sessions }),
    ...(config.store === 'memory' ? {} : { data: resolve(folder, config.data ?? DEFAULT_DATA) }),
  };
}

async function find(use: string, folder: string, where: string) {
  try {
    return await findApplication(use, folder);
  } catch (error) {
    throw new ConfigurationError(`${where}: ${(error as Error).message}`, { cause: error });
  }
}
