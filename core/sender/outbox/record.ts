/** A push that a sender has taken for somebody, as it stands in the store. */

import { z } from 'zod';
import { type MediaType, storedContent } from '../../content/content.js';
import { parseMediaType } from '../../content/media-type.js';
import { ConfigurationError, MalformedError } from '../../errors.js';
import { decodeJson } from '../../store/records.js';
import type { PushRequest } from '../push-request.js';
import type { PushFile } from '../session/outgoing-line.js';
import type { OutboxContents } from './contents.js';

/** Content in the outbox's folder, or at a URL of somebody's. */
const content = z.union([
  z.object({
    /** Names it among the contents of the outbox. */
    content: z.string(),
    type: z.string(),
    name: z.string().exactOptional(),
    disposition: z.string().exactOptional(),
  }),
  z.object({
    url: z.string(),
    type: z.string(),
    size: z.number().exactOptional(),
    hash: z.string().exactOptional(),
    disposition: z.string().exactOptional(),
  }),
]);

const order = z.object({
  to: z.string(),
  app: z.string(),
  iari: z.string().exactOptional(),
  mode: z.enum(['auto', 'pager', 'session', 'indirect']),
  contents: z.array(content).min(1),
  terminals: z
    .object({ instances: z.array(z.string()).exactOptional(), methods: z.array(z.string()).exactOptional() })
    .exactOptional(),
  /** Seconds, from when it was taken. */
  ttl: z.number().exactOptional(),
  report: z.boolean().exactOptional(),
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
  id: z.string(),
  /** What its submitter called it (Idempotency-Key). */
  key: z.string().exactOptional(),
  order,
  /** `waiting`: under way, or until a terminal comes back. */
  state: z.enum(['waiting', 'ended', 'cancelled']),
  /** Milliseconds since 1970. */
  takenAt: z.number(),
  endedAt: z.number().exactOptional(),
  receipts: z.array(receipt),
  /** Addresses where it came to an end. */
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
    return { ...request, id, content, ...(disposition === undefined ? {} : { disposition }) };
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
