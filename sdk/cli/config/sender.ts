/** The configuration of a sender: from a file to the options of a Push Sender Agent. */

import { z } from 'zod';
import type { PublishOptions } from '../../../core/sender/publisher.js';
import type { PushSenderOptions } from '../../../core/sender/sender.js';
import type { MediaOptions } from '../../../core/sender/session/media-listener.js';
import { accountKeys, accountOptions } from './account.js';
import { endpoint, given, port, ports, text, tlsFiles } from './fields.js';
import { loadConfig } from './load.js';
import { relayAccount, relayKeys } from './relay.js';
import { loadTls } from './tls.js';

const schema = z.strictObject({
  ...accountKeys,
  register: z.boolean().optional(),
  listen: endpoint.optional(),
  assertIdentity: z.boolean().optional(),
  msrp: z
    .strictObject({
      host: text.optional(),
      ports: ports.optional(),
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
    })
    .optional(),
});

/** What is referred to is served on this machine, for receivers on it; any other needs to know its name. */
const DEFAULT_PUBLISH = { host: '127.0.0.1', port: 0 };

/** @throws ConfigurationError naming the file and the key that is wrong. */
export async function loadSenderSettings(file: string): Promise<PushSenderOptions> {
  const { config, folder } = await loadConfig(file, schema);
  const account = await accountOptions(config, file, folder);
  return {
    ...account,
    ...(config.listen ? { listen: config.listen } : {}),
    // A sender is a new device each time it runs; its registration ends with it.
    ...((config.register ?? true) ? { instanceId: `urn:uuid:${crypto.randomUUID()}` } : {}),
    assertIdentity: config.assertIdentity ?? true,
    ...(config.msrp ? { media: await mediaOptions(config.msrp, account, file, folder) } : {}),
    publish: await publishOptions(config.publish ?? {}, file, folder),
  };
}

async function mediaOptions(
  { tls, relay, ...place }: NonNullable<z.infer<typeof schema>['msrp']>,
  account: Parameters<typeof relayAccount>[1],
  file: string,
  folder: string,
): Promise<MediaOptions> {
  return {
    ...given(place),
    ...(tls ? { tls: await loadTls(tls, `${file}: "msrp"`, folder) } : {}),
    ...(relay ? { relay: await relayAccount(relay, account, file, folder) } : {}),
  };
}

async function publishOptions(
  { tls, ...place }: NonNullable<z.infer<typeof schema>['publish']>,
  file: string,
  folder: string,
): Promise<PublishOptions> {
  const certificate = tls ? { tls: await loadTls(tls, `${file}: "publish"`, folder) } : {};
  return { ...DEFAULT_PUBLISH, ...given(place), ...certificate };
}
