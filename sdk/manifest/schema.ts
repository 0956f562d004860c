/**
 * The static manifest of a package of push applications, the key `sipPush` of its package.json: one source of what is checked,
 * and of the published JSON Schema, `sip-push/manifest.schema.json`.
 */

import { z } from 'zod';
import { isEventAppId, isIari } from '../../core/app/contract/event-app-id.js';
import { isMediaRange } from '../../core/content/media-type.js';
import { origin } from '../config/validate.js';

const count = z.int().positive();

export const permissionKeys = z.strictObject({
  fetch: z
    .array(origin)
    .optional()
    .meta({ description: 'Origins that it may fetch from, of those that the host allows.' }),
  storage: count.optional().meta({ description: 'Bytes of keys and values in its storage.' }),
  files: count.optional().meta({ description: 'Bytes of all its files together.' }),
});

const application = z.strictObject({
  id: z
    .string()
    .refine(isEventAppId, 'expected an event-app-id, e.g. weather.ua')
    .meta({ description: 'event-app-id that senders address, e.g. weather.ua.' }),
  module: z.string().regex(/^\.\//, 'expected a path in the package, e.g. ./dist/index.js').optional().meta({
    description: 'The module whose default export is the application; the package’s export "." when absent.',
  }),
  accepts: z
    .array(
      z
        .string()
        .refine(isMediaRange, 'expected a media type without parameters, e.g. text/plain or image/*')
        .refine((type) => type === type.toLowerCase(), 'expected lower case'),
    )
    .min(1, 'expected at least one media type')
    .meta({ description: 'Media types that it takes, as its definition has them.' }),
  iari: z
    .string()
    .refine(isIari, 'expected a URN, e.g. urn:urn-7:3gpp-application.ims.iari.example')
    .optional()
    .meta({ description: 'IARI that tells it from another application of the same id and media types.' }),
  permissions: permissionKeys
    .optional()
    .meta({ description: 'What it may do at most; without them as much as the host allows anyone.' }),
  options: z.record(z.string(), z.unknown()).optional().meta({
    description: 'JSON Schema of its options: a host holds them against it before it runs the application.',
  }),
  samples: z
    .record(
      z.string(),
      z.array(z.string().regex(/^\.\//, 'expected a path in the package, e.g. ./samples/hello.txt')).min(1),
    )
    .optional()
    .meta({ description: 'Files of sample content by media type, for `sip-push check` and `sip-push dev`.' }),
  activation: z.enum(['start', 'push']).optional().meta({
    description:
      'When its module is loaded: with the host (start, when absent), or at the first push for it (push).',
  }),
});

export const manifestKeys = z
  .strictObject({
    $schema: z.string().optional(),
    contract: z.string().meta({
      description: 'Range of versions of the contract that it keeps to, as npm writes ranges, e.g. ^1.0.0.',
    }),
    apps: z.array(application).min(1, 'expected at least one application'),
  })
  .meta({
    title: 'Push applications for sip-push',
    description: 'The key sipPush in the package.json of a package of push applications.',
  });

export type ManifestKeys = z.infer<typeof manifestKeys>;

/** The published JSON Schema. */
export function manifestJsonSchema(): object {
  return z.toJSONSchema(manifestKeys, { io: 'input' });
}
