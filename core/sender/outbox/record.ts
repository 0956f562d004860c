/** A push of the outbox, as it is stored. */

import { z } from 'zod';
import { type MediaType, storedContent } from '../../content/content.js';
import { parseMediaType } from '../../content/media-type.js';
import { ConfigurationError, MalformedError } from '../../errors.js';
import { decodeJson } from '../../store/records.js';
import type { PushRequest } from '../push-request.js';
import type { PushFile } from '../session/outgoing-line.js';
import type { OutboxContents } from './contents.js';

/** Content in the outbox's folder, or a reference to another server. */
const content = z.union([
  z.object({
    /** Id of the content in the outbox. */
    content: z.string(),
    /** Media type. */
    type: z.string(),
    /** Name of the file. */
    name: z.string().exactOptional(),
    /** Content-Disposition. */
    disposition: z.string().exactOptional(),
  }),
  z.object({
    /** URL of the content. */
    url: z.string(),
    /** Media type. */
    type: z.string(),
    /** Size in bytes. */
    size: z.number().exactOptional(),
    /** SHA-1 in hexadecimal. */
    hash: z.string().exactOptional(),
    /** Content-Disposition. */
    disposition: z.string().exactOptional(),
  }),
]);

const order = z.object({
  /** Public identity or GRUU. */
  to: z.string(),
  /** event-app-id of the addressed application. */
  app: z.string(),
  /** URN of the instance of the application. */
  iari: z.string().exactOptional(),
  /** How to send the push. */
  mode: z.enum(['auto', 'pager', 'session', 'indirect']),
  /** The contents, each with its own receipt. */
  contents: z.array(content).min(1),
  /** Selects terminals of the user. */
  terminals: z
    .object({
      /** Instance ids or GRUUs. */
      instances: z.array(z.string()).exactOptional(),
      /** SIP methods that a terminal must support. */
      methods: z.array(z.string()).exactOptional(),
    })
    .exactOptional(),
  /** Seconds to retry, from `takenAt`. */
  ttl: z.number().exactOptional(),
  /** Whether to wait for the success REPORT in session mode. */
  report: z.boolean().exactOptional(),
  /** Compression of the content. */
  encoding: z.enum(['gzip', 'deflate']).exactOptional(),
});

const receipt = z.object({
  to: z.string(),
  terminal: z.string().exactOptional(),
  mode: z.enum(['pager', 'session', 'indirect']),
  outcome: z.enum(['delivered', 'refused', 'failed']),
  status: z.number().exactOptional(),
  reason: z.string(),
  retryable: z.boolean(),
  retryAfter: z.number().exactOptional(),
  reported: z.boolean().exactOptional(),
  fileName: z.string().exactOptional(),
  bytes: z.number(),
  milliseconds: z.number(),
  why: z.string().exactOptional(),
});

const schema = z.object({
  /** Id of the push. */
  id: z.string(),
  /** Idempotency-Key of the submitter. */
  key: z.string().exactOptional(),
  /** The request. */
  order,
  /** `waiting`: in progress, or until a terminal is available. */
  state: z.enum(['waiting', 'ended', 'cancelled']),
  /** When the outbox accepted it, milliseconds since 1970. */
  takenAt: z.number(),
  /** When it ended, milliseconds since 1970. */
  endedAt: z.number().exactOptional(),
  /** The receipts so far. */
  receipts: z.array(receipt),
  /** Addresses with final receipts. */
  settled: z.array(z.string()),
});

export type PushOrder = z.infer<typeof order>;
export type OrderedContent = z.infer<typeof content>;
export type OutboxRecord = z.infer<typeof schema>;

/** With its keys in one order, however it was made. */
export function normalOrder(value: PushOrder): PushOrder {
  return order.parse(value);
}

/** @throws MalformedError */
export function decodeRecord(bytes: Uint8Array): OutboxRecord {
  const parsed = schema.safeParse(decodeJson(bytes));
  if (parsed.success) return parsed.data;
  throw new MalformedError(`a push in the store: ${z.prettifyError(parsed.error)}`);
}

/** From a push in the outbox to what the sender is asked for. */

/** @throws ConfigurationError for content that is not there, or is of no type. */
export async function requestOf(
  id: string,
  order: PushOrder,
  contents: OutboxContents,
): Promise<PushRequest> {
  const { contents: ordered, ...request } = order;
  const [first] = ordered;
  if (first && 'url' in first) {
    const { type, disposition, ...reference } = first;
    const content = { ...reference, type: mediaTypeOf(type) };
    return { ...request, id, content, disposition };
  }
  return { ...request, id, files: await Promise.all(ordered.map((each) => fileOf(each, contents))) };
}

async function fileOf(ordered: OrderedContent, contents: OutboxContents): Promise<PushFile> {
  if ('url' in ordered) throw new ConfigurationError('content at a URL goes alone');
  const { content, type, ...described } = ordered;
  return { content: storedContent(mediaTypeOf(type), await contents.open(content)), ...described };
}

function mediaTypeOf(text: string): MediaType {
  const type = parseMediaType(text);
  if (!type) throw new ConfigurationError(`"${text}" is no media type; expected e.g. text/vnd.wap.si`);
  return type;
}
