/**
 * Schema of the manifest of a package of push applications, the key `sipPush` in its package.json. It validates
 * manifests, and is published as the JSON Schema `sip-push/manifest.schema.json`.
 */

import { z } from 'zod';
import { isEventAppId, isIari } from '../../core/app/contract/event-app-id.js';
import { EVENT_OR_QUERY } from '../../core/app/contract/manifest.js';
import { isMediaRange } from '../../core/content/media-type.js';
import { origin } from '../config/validate.js';

const count = z.int().positive();

export const permissionKeys = z.strictObject({
  fetch: z
    .array(origin)
    .optional()
    .meta({ description: 'Origins that the application may fetch from, among those that the host allows.' }),
  storage: count
    .optional()
    .meta({ description: 'Maximum size of keys and values in the storage, in bytes.' }),
  files: count.optional().meta({ description: 'Maximum total size of the files, in bytes.' }),
});

const eventAppId = z.string().refine(isEventAppId, 'expected an event-app-id, e.g. weather.ua');

const names = z.array(z.string().regex(EVENT_OR_QUERY, 'expected a name, e.g. forecast'));

const services = z.array(z.string().min(1, 'expected the name of a service, e.g. storage'));

/** In the description of each key that `sip-push build` writes from the definition. */
const GENERATED = 'Written by `sip-push build`.';

const application = z.strictObject({
  id: eventAppId.meta({ description: `event-app-id that senders address, e.g. weather.ua. ${GENERATED}` }),
  module: z.string().regex(/^\.\//, 'expected a path in the package, e.g. ./dist/index.js').optional().meta({
    description:
      'The module whose default export is the application; by default the export "." of the package.',
  }),
  accepts: z
    .array(
      z
        .string()
        .refine(isMediaRange, 'expected a media type without parameters, e.g. text/plain or image/*')
        .refine((type) => type === type.toLowerCase(), 'expected lower case'),
    )
    .min(1, 'expected at least one media type')
    .meta({ description: `Accepted media types. ${GENERATED}` }),
  iari: z
    .string()
    .refine(isIari, 'expected a URN, e.g. urn:urn-7:3gpp-application.ims.iari.example')
    .optional()
    .meta({
      description: `IARI that distinguishes the application from another with the same id and media types. ${GENERATED}`,
    }),
  replaces: z
    .array(eventAppId)
    .optional()
    .meta({ description: `Earlier ids, whose storage the application takes over. ${GENERATED}` }),
  needs: services
    .optional()
    .meta({ description: `Services of the host and of other applications that it needs. ${GENERATED}` }),
  provides: services
    .optional()
    .meta({ description: `Services that it provides for other applications. ${GENERATED}` }),
  events: names.optional().meta({ description: `Kinds of the events that it emits. ${GENERATED}` }),
  queries: names.optional().meta({ description: `Names of the queries that it answers. ${GENERATED}` }),
  permissions: permissionKeys
    .optional()
    .meta({ description: 'Permissions of the application; by default only the limits of the host apply.' }),
  options: z
    .record(z.string(), z.unknown())
    .optional()
    .meta({
      description: `JSON Schema of the options, which a host validates before it loads the application. ${GENERATED}`,
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
      'When the module is loaded: with the host (start, the default), or at the first push to the application (push).',
  }),
});

export const manifestKeys = z
  .strictObject({
    $schema: z.string().optional(),
    contract: z.string().meta({
      description:
        'Range of contract versions that the applications require, in the syntax of npm, e.g. ^1.0.0. Written by `sip-push build`, unless it includes the current version.',
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
