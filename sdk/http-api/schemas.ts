/** What the HTTP API of a sender takes and gives, as its OpenAPI description has it. */

import { z } from '@hono/zod-openapi';
import { isEventAppId, isIari } from '../../core/app/contract/event-app-id.js';
import { parseMediaType } from '../../core/content/media-type.js';
import { parseUri } from '../../core/sip/values/uri.js';

/** Of a public user identity, as IMS has them. */
const SCHEMES = ['sip', 'sips', 'tel'];

const uri = z
  .string()
  .max(1000)
  .refine(
    (text) => SCHEMES.includes(parseUri(text)?.scheme ?? ''),
    'expected a SIP or tel URI, e.g. sip:bob@domain.test',
  )
  .openapi({
    description: 'Public user identity (all terminals) or GRUU (one)',
    example: 'sip:bob@domain.test',
  });
const mediaType = z
  .string()
  .max(1000)
  .refine((text) => parseMediaType(text) !== undefined, 'expected a media type, e.g. text/vnd.wap.si')
  .openapi({ description: 'Media type', example: 'text/vnd.wap.si' });

/** Where its bytes are: one of these. */
const SOURCES = ['text', 'base64', 'content', 'url'] as const;

const content = z
  .strictObject({
    type: mediaType,
    text: z.string().exactOptional().openapi({ description: 'The content, where it is UTF-8 text' }),
    base64: z.base64('expected base64').exactOptional().openapi({ description: 'The content, base64' }),
    content: z.string().max(64).exactOptional().openapi({ description: 'What POST /contents called it' }),
    url: z
      .url({ protocol: /^https?$/, error: 'expected e.g. https://example.com/a' })
      .max(4000)
      .exactOptional()
      .openapi({ description: 'Where it lies, and stays: pushed by reference' }),
    size: z.int().min(0).exactOptional().openapi({ description: 'Bytes of what lies at url' }),
    hash: z
      .string()
      .regex(/^[0-9a-fA-F]{40}$/, 'expected SHA-1, 40 hexadecimal digits')
      .exactOptional()
      .openapi({ description: 'SHA-1 of what lies at url, hexadecimal' }),
    name: z.string().max(255).exactOptional().openapi({ description: 'File name, for people' }),
    disposition: z.string().max(255).exactOptional().openapi({ description: 'Content-Disposition' }),
  })
  .refine((given) => SOURCES.filter((source) => given[source] !== undefined).length === 1, {
    error: `expected one of ${SOURCES.map((source) => `"${source}"`).join(', ')}`,
  })
  // What is exactly optional counts as required where the description is made; which keys are alternatives, it cannot see.
  .openapi({ required: ['type'], oneOf: SOURCES.map((source) => ({ required: [source] })) });

/** 30 days: nobody waits longer for a phone. */
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
      .openapi({ description: 'Which instance of the application (TS appendix D)', example: EXAMPLE_IARI }),
    mode: z
      .enum(['auto', 'pager', 'session', 'indirect'])
      .default('auto')
      .openapi({ description: 'How it goes; auto chooses by size and what the terminal takes' }),
    content: content.exactOptional(),
    files: z
      .array(content)
      .min(1)
      .max(MAX_FILES)
      .exactOptional()
      .openapi({ description: 'Instead of content: several files in one session' }),
    terminals: z
      .strictObject({
        instances: z
          .array(z.string().max(1000))
          .max(100)
          .exactOptional()
          .openapi({ description: 'urn:uuid:… or GRUUs' }),
        methods: z
          .array(z.string().max(32))
          .max(20)
          .exactOptional()
          .openapi({ description: 'SIP methods it takes' }),
      })
      .openapi({ required: [], description: "Some of the user's terminals" })
      .exactOptional(),
    ttl: z
      .int()
      .min(0)
      .max(MAX_TTL)
      .exactOptional()
      .openapi({ description: 'Seconds for which it waits for a terminal that is away, or said not now' }),
    report: z
      .boolean()
      .exactOptional()
      .openapi({ description: 'In a session: delivered only when the receiver has reported it' }),
    encoding: z.enum(['gzip', 'deflate']).exactOptional().openapi({ description: 'Compresses the content' }),
  })
  .refine(({ content, files }) => (content === undefined) !== (files === undefined), {
    error: 'expected either "content" or "files"',
  })
  .refine(({ files = [] }) => files.every(({ url }) => url === undefined), {
    error: 'expected files that are given here; what lies at a url goes as "content", alone',
    path: ['files'],
  })
  .refine(({ mode, encoding }) => mode !== 'session' || encoding === undefined, {
    error: 'expected none in mode "session", which knows no content codings',
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
    terminal: z.string().optional().openapi({ description: 'GRUU, where one terminal was addressed' }),
    mode: z.enum(['pager', 'session', 'indirect']),
    outcome: z.enum(['delivered', 'refused', 'failed']),
    status: z.number().optional().openapi({ description: 'SIP or MSRP status' }),
    reason: z.string(),
    retryable: z.boolean(),
    retryAfter: z.number().optional().openapi({ description: 'Seconds' }),
    reported: z.boolean().optional().openapi({ description: 'A success REPORT came' }),
    fileName: z.string().optional(),
    bytes: z.number(),
    milliseconds: z.number(),
    why: z.string().optional().openapi({ description: 'Why it went this way, for people' }),
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
  .openapi('Content', { description: 'Good for a push within an hour' });

export const terminalSchema = z
  .object({
    user: z.string(),
    registered: z.boolean(),
    lastSeen: z.iso.datetime(),
    gruu: z.string().optional(),
    instanceId: z.string().optional(),
    apps: z.array(z.string()).optional().openapi({ description: 'event-app-ids; absent: it has not said' }),
    types: z.array(z.string()).optional(),
    maxSize: z.number().optional(),
    methods: z.array(z.string()).optional(),
    product: z.string().optional().openapi({ description: 'User-Agent' }),
  })
  .openapi('Terminal');

/** RFC 9457. */
export const problemSchema = z
  .object({ title: z.string(), status: z.number(), detail: z.string() })
  .openapi('Problem');
