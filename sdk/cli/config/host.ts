/** From a host's configuration file to the options of a push host. */

import { resolve } from 'node:path';
import type { PushHostOptions } from '../../../core/host.js';
import { findApplication } from '../applications.js';
import { PRODUCT } from '../product.js';
import { loadConfig, loadTls } from './load.js';
import { hostSchema, WITHOUT_EFFECT } from './schema.js';

const DEFAULT_EXPIRES = 3600;

export type HostSettings = Omit<PushHostOptions, 'onEvent' | 'onWire' | 'onLog'>;

/** @throws ConfigurationError naming the file, and the key or the application that is wrong. */
export async function loadHostSettings(file: string, warn: (line: string) => void): Promise<HostSettings> {
  const { config, folder } = await loadConfig(file, hostSchema);
  for (const key of WITHOUT_EFFECT.host) {
    if (config[key] !== undefined) warn(`${file}: "${key}" has no effect in this version`);
  }
  const tls = await loadTls(config.tls, folder);
  const apps = await Promise.all(
    config.apps.map(async (entry) => {
      const { use, options } = typeof entry === 'string' ? { use: entry, options: undefined } : entry;
      return { definition: await findApplication(use, folder), options };
    }),
  );
  const memory = config.store === 'memory';
  return {
    identity: config.identity,
    servers: [config.server].flat(),
    ...credentials(config),
    ...(tls ? { tls } : {}),
    ...(config.instanceId ? { instanceId: config.instanceId } : {}),
    expires: config.expires ?? DEFAULT_EXPIRES,
    trust: config.trust ?? [],
    product: PRODUCT,
    apps,
    ...(memory ? {} : { data: resolve(folder, config.data ?? './data') }),
  };
}

/** The user name is the identity's user where only a password is given. */
export function credentials(config: {
  identity: string;
  username?: string | undefined;
  password?: string | undefined;
}) {
  if (config.password === undefined) return {};
  const username = config.username ?? /^sips?:([^@]+)@/i.exec(config.identity)?.[1] ?? '';
  return { credentials: { username, password: config.password } };
}
