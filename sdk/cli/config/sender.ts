/** From a sender's configuration file to the options of a Push Sender Agent. */

import type { PushSenderOptions } from '../../../core/sender/sender.js';
import { PRODUCT } from '../product.js';
import { credentials } from './host.js';
import { loadConfig, loadTls } from './load.js';
import { senderSchema, WITHOUT_EFFECT } from './schema.js';

/** @throws ConfigurationError naming the file and the key that is wrong. */
export async function loadSenderSettings(
  file: string,
  warn: (line: string) => void,
): Promise<PushSenderOptions> {
  const { config, folder } = await loadConfig(file, senderSchema);
  for (const key of WITHOUT_EFFECT.sender) {
    if (config[key] !== undefined) warn(`${file}: "${key}" has no effect in this version`);
  }
  const tls = await loadTls(config.tls, folder);
  return {
    identity: config.identity,
    servers: [config.server].flat(),
    ...credentials(config),
    ...(tls ? { tls } : {}),
    ...(config.listen ? { listen: config.listen } : {}),
    // A sender is a new device each time it runs; its registration ends with it.
    ...((config.register ?? true) ? { instanceId: `urn:uuid:${crypto.randomUUID()}` } : {}),
    assertIdentity: config.assertIdentity ?? true,
    product: PRODUCT,
  };
}
