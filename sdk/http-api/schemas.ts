/** The schemas of the API, with their OpenAPI descriptions. */

import { z } from '@hono/zod-openapi';
import { isEventAppId, isIari } from '../../core/app/contract/event-app-id.js';
import { parseMediaType } from '../../core/content/media-type.js';
import { addressProblem } from '../../core/sender/addressing.js';

const uri = z
  .string()
  .max(1000)
  .superRefine((text, context) => {
    const message = addressProblem(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .openapi({
    description: 'Public user identity (all terminals) or GRUU (one)',
    example: 'sip:bob@domain.test',
  });
const mediaType = z
  .string()
  .max(1000)
  .refine((text) => parseMediaType(text) !== undefined, 'expected a media type, e.g. text/vnd.wap.si')
  .openapi({ description: 'Media type', example: 'text/vnd.wap.si' });

/** The properties that can contain the bytes of a content. Exactly one is required. */
const SOURCES = ['text', 'base64', 'content', 'url'] as const;

const content = z
  .strictObject({
    type: mediaType,
    text: z.string().exactOptional().openapi({ description: 'The content as UTF-8 text' }),
    base64: z.base64('expected base64').exactOptional().openapi({ description: 'The content in base64' }),
    content: z.string().max(64).exactOptional().openapi({ description: 'Id from POST /contents' }),
    url: z
      .url({ protocol: /^https?$/, error: 'expected e.g. https://example.com/a' })
      .max(4000)
      .exactOptional()
      .openapi({ description: 'URL of the content, which is pushed by reference' }),
    size: z.int().min(0).exactOptional().openapi({ description: 'Size of the content at url, in bytes' }),
    hash: z
      .string()
      .regex(/^[0-9a-fA-F]{40}$/, 'expected SHA-1, 40 hexadecimal digits')
      .exactOptional()
      .openapi({ description: 'SHA-1 of the content at url, in hexadecimal' }),
    name: z.string().max(255).exactOptional().openapi({ description: 'File name, for people' }),
    disposition: z.string().max(255).exactOptional().openapi({ description: 'Content-Disposition' }),
  })
  .refine((value) => SOURCES.filter((source) => value[source] !== undefined).length === 1, {
    error: `expected one of ${SOURCES.map((source) => `"${source}"`).join(', ')}`,
  })
  // The generator counts exactOptional keys as required, and cannot derive alternatives.
  .openapi({ required: ['type'], oneOf: SOURCES.map((source) => ({ required: [source] })) });

/** 30 days in seconds. */
const MAX_TTL = 30 * 24 * 3600;
const MAX_FILES = 100;
const EXAMPLE_IARI = 'urn:urn-7:3gpp-application.ims.iari.example';

export const pushSchema = z
  .strictObject({
    to: uri,
    app: z
      .string()
      .max(255)
      .refine(isEventAppId, 'expected an event-app-id, e.g. mms.ua')
      .openapi({ description: 'event-app-id', example: 'wml.ua' }),
    iari: z
      .string()
      .max(1000)
      .refine(isIari, `expected an IARI, e.g. ${EXAMPLE_IARI}`)
      .exactOptional()
      .openapi({
        description: 'Preferred instance of the application (TS appendix D)',
        example: EXAMPLE_IARI,
      }),
    mode: z
      .enum(['auto', 'pager', 'session', 'indirect'])
      .default('auto')
      .openapi({ description: 'Push mode; auto selects by size and the capabilities of the terminal' }),
    content: content.exactOptional(),
    files: z
      .array(content)
      .min(1)
      .max(MAX_FILES)
      .exactOptional()
      .openapi({ description: 'Several files in one session, instead of content' }),
    terminals: z
      .strictObject({
        instances: z
          .array(z.string().max(1000))
          .max(100)
          .exactOptional()
          .openapi({ description: 'Instance ids (urn:uuid:…) or GRUUs' }),
        methods: z
          .array(z.string().max(32))
          .max(20)
          .exactOptional()
          .openapi({ description: 'SIP methods that a terminal must support' }),
      })
      .openapi({ required: [], description: "Selects some of the user's terminals" })
      .exactOptional(),
    ttl: z
      .int()
      .min(0)
      .max(MAX_TTL)
      .exactOptional()
      .openapi({ description: 'Seconds for which a push waits for an unregistered or busy terminal' }),
    report: z.boolean().exactOptional().openapi({ description: 'Session mode: require a success REPORT' }),
    encoding: z.enum(['gzip', 'deflate']).exactOptional().openapi({ description: 'Compresses the content' }),
  })
  .refine(({ content, files }) => (content === undefined) !== (files === undefined), {
    error: 'expected either "content" or "files"',
  })
  .refine(({ files = [] }) => files.every(({ url }) => url === undefined), {
    error: 'expected files without "url"; push content at a URL as "content"',
    path: ['files'],
  })
  .refine(({ mode, encoding }) => mode !== 'session' || encoding === undefined, {
    error: 'expected none in mode "session", which has no content codings',
    path: ['encoding'],
  })
  .openapi('PushRequest', {
    required: ['to', 'app'],
    oneOf: [{ required: ['content'] }, { required: ['files'] }],
  });

export type PushBody = z.infer<typeof pushSchema>;

export const receiptSchema = z
  .object({
    to: z.string(),
    terminal: z.string().optional().openapi({ description: 'GRUU of the terminal, if known' }),
    mode: z.enum(['pager', 'session', 'indirect']),
    outcome: z.enum(['delivered', 'refused', 'failed']),
    status: z.number().optional().openapi({ description: 'SIP or MSRP status' }),
    reason: z.string(),
    retryable: z.boolean(),
    retryAfter: z.number().optional().openapi({ description: 'Seconds' }),
    reported: z.boolean().optional().openapi({ description: 'Whether a success REPORT arrived' }),
    fileName: z.string().optional(),
    bytes: z.number(),
    milliseconds: z.number(),
    why: z
      .string()
      .optional()
      .openapi({ description: 'Why the sender chose this mode and address, for people' }),
  })
  .openapi('Receipt');

export const pushStateSchema = z
  .object({
    id: z.string(),
    to: z.string(),
    app: z.string(),
    state: z.enum(['waiting', 'ended', 'cancelled']),
    acceptedAt: z.iso.datetime(),
    endedAt: z.iso.datetime().optional(),
    receipts: z.array(receiptSchema),
  })
  .openapi('Push');

export const contentSchema = z
  .object({ content: z.string(), size: z.number() })
  .openapi('Content', { description: 'Available for a push within an hour' });

export const terminalSchema = z
  .object({
    user: z.string(),
    registered: z.boolean(),
    lastSeen: z.iso.datetime(),
    gruu: z.string().optional(),
    instanceId: z.string().optional(),
    apps: z.array(z.string()).optional().openapi({ description: 'event-app-ids; absent if unknown' }),
    types: z.array(z.string()).optional(),
    maxSize: z.number().optional(),
    methods: z.array(z.string()).optional(),
    product: z.string().optional().openapi({ description: 'User-Agent' }),
  })
  .openapi('Terminal');

/** Problem details (RFC 9457). */
export const problemSchema = z
  .object({ title: z.string(), status: z.number(), detail: z.string() })
  .openapi('Problem');
