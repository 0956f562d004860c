/** Loads the users file of the embedded SIP/IP core: user names with passwords, or an object with further settings. */

import { z } from 'zod';
import type { NetworkOptions, Users } from '../network/index.js';
import { listenLimits, text, tlsFiles } from './fields.js';
import { loadConfig } from './load.js';
import { loadTls } from './tls.js';
import { validate } from './validate.js';

const user = z.union([
  z.string(),
  z.strictObject({ password: z.string(), identities: z.array(text).optional() }),
]);
const users = z.record(z.string(), user);
const schema = z.strictObject({
  users: users.optional(),
  tls: tlsFiles.optional(),
  trustedPeers: z.array(text).optional(),
  applicationServers: z.record(z.string(), text).optional(),
  thirdPartyRegistration: z.array(text).optional(),
  watchers: z.array(text).optional(),
  limits: listenLimits.optional(),
});
const anyObject = z.record(z.string(), z.unknown());

/** @throws ConfigurationError naming the file and the invalid key. */
export async function loadNetworkSettings(file: string): Promise<NetworkOptions> {
  const { config, folder } = await loadConfig(file, anyObject);
  // An object with none of the keys of `schema` maps user names to accounts.
  const hasSettings = Object.keys(config).some((key) => Object.hasOwn(schema.shape, key));
  const settings: z.infer<typeof schema> = hasSettings
    ? validate(schema, config, file)
    : { users: validate(users, config, file) };
  const { tls, trustedPeers, applicationServers, thirdPartyRegistration, watchers, limits } = settings;
  return {
    users: settings.users === undefined ? undefined : accounts(settings.users),
    tls: tls === undefined ? undefined : await loadTls(tls, file, folder),
    trustedPeers,
    applicationServers,
    thirdPartyRegistration,
    watchers,
    limits,
  };
}

function accounts(entries: z.infer<typeof users>): Users {
  return Object.entries(entries).map(([username, entry]) => {
    if (typeof entry === 'string') return { username, password: entry };
    const { password, identities } = entry;
    return { username, password, identities };
  });
}
