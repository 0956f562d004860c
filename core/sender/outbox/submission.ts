/** A push as its initiator submitted it to the outbox, and the request that the sender makes of it. */

import { z } from 'zod';
import { platform } from '#platform';
import { type MediaType, storedContent } from '../../content/content.js';
import { parseMediaType } from '../../content/media-type.js';
import { ConfigurationError } from '../../errors.js';
import type { PushRequest } from '../push-request.js';
import type { PushFile } from '../session/outgoing-line.js';
import type { OutboxContents } from './contents.js';

/** Content in the outbox's folder, or at a URL of the initiator. */
const contentSchema = z.union([
  z.object({
    /** Id of the content in the outbox. */
    content: z.string(),
    /** SHA-256 of the content in hexadecimal. */
    sha256: z.string(),
    /** Media type. */
    type: z.string(),
    /** Name of the file. */
    name: z.string().optional(),
    /** Content-Disposition. */
    disposition: z.string().optional(),
  }),
  z.object({
    /** URL of the content. */
    url: z.string(),
    /** Media type. */
    type: z.string(),
    /** Size in bytes. */
    size: z.number().optional(),
    /** SHA-1 in hexadecimal. */
    hash: z.string().optional(),
    /** Content-Disposition. */
    disposition: z.string().optional(),
  }),
]);

export const submissionSchema = z.object({
  /** Public user identity or GRUU. */
  to: z.string(),
  /** event-app-id of the application. */
  app: z.string(),
  /** IARI of the preferred instance of the application. */
  iari: z.string().optional(),
  /** How to send the push. */
  mode: z.enum(['auto', 'pager', 'session', 'indirect']),
  /** The contents, each with its own receipt. */
  contents: z.array(contentSchema).min(1),
  /** Selects terminals of the user. */
  terminals: z
    .object({
      /** Instance ids or GRUUs. */
      instances: z.array(z.string()).optional(),
      /** SIP methods that a terminal must support. */
      methods: z.array(z.string()).optional(),
    })
    .optional(),
  /** Seconds to retry, from `acceptedAt`. */
  ttl: z.number().optional(),
  /** Whether session mode requires a success REPORT. */
  report: z.boolean().optional(),
  /** Compression of the content. */
  encoding: z.enum(['gzip', 'deflate']).optional(),
});

/** A push in the outbox. */
export type StoredSubmission = z.infer<typeof submissionSchema>;
export type StoredContent = z.infer<typeof contentSchema>;

/** Content that the initiator has uploaded, or that is part of its submission, or is at a URL. */
export type SubmittedContent =
  | { content: string; type: string; name?: string | undefined; disposition?: string | undefined }
  | { bytes: Uint8Array; type: string; name?: string | undefined; disposition?: string | undefined }
  | Extract<StoredContent, { url: string }>;

/** A push as its initiator submits it. */
export interface PushSubmission extends Omit<StoredSubmission, 'contents'> {
  contents: readonly SubmittedContent[];
}

/** Stores the contents of a submission. @throws LimitError; ConfigurationError when there is no such upload. */
export function storeSubmission(
  submission: PushSubmission,
  contents: OutboxContents,
): Promise<StoredSubmission> {
  return withContents(
    submission,
    (id) => contents.sha256(id),
    async (bytes, sha256) => {
      return (await contents.addBytes(bytes, sha256)).id;
    },
  );
}

/**
 * A submission as it would be stored, except for ids. Uploads of `known` may have been removed.
 * @throws ConfigurationError when there is no such upload.
 */
export function hashSubmission(
  submission: PushSubmission,
  contents: OutboxContents,
  known: StoredSubmission,
): Promise<StoredSubmission> {
  const hashes = new Map<string, string>();
  for (const each of known.contents) if ('content' in each) hashes.set(each.content, each.sha256);
  return withContents(
    submission,
    async (id) => hashes.get(id) ?? (await contents.sha256(id)),
    async () => '',
  );
}

async function withContents(
  { contents, ...submission }: PushSubmission,
  hashOf: (id: string) => Promise<string>,
  store: (bytes: Uint8Array, sha256: string) => Promise<string>,
): Promise<StoredSubmission> {
  const stored: StoredContent[] = [];
  for (const each of contents) {
    if ('url' in each) {
      stored.push(each);
    } else if ('bytes' in each) {
      const { bytes, ...described } = each;
      const sha256 = platform.hash('sha-256', bytes);
      stored.push({ ...described, content: await store(bytes, sha256), sha256 });
    } else {
      stored.push({ ...each, sha256: await hashOf(each.content) });
    }
  }
  return { ...submission, contents: stored };
}

/** Whether both submit the same push: the same bytes, whatever the ids of the uploads. */
export function isSameSubmission(one: StoredSubmission, other: StoredSubmission): boolean {
  const [first, second] = [one, other].map((submission) => {
    // Parsing puts the keys in the order of the schema.
    const { contents, ...rest } = submissionSchema.parse(submission);
    const withoutIds = contents.map((each) => ('content' in each ? { ...each, content: '' } : each));
    return JSON.stringify({ ...rest, contents: withoutIds });
  });
  return first === second;
}

/** @throws ConfigurationError when the outbox does not have a content, or its media type is invalid. */
export async function requestOf(
  id: string,
  submission: StoredSubmission,
  contents: OutboxContents,
): Promise<PushRequest> {
  const { contents: submitted, ...request } = submission;
  const [first] = submitted;
  if (first && 'url' in first) {
    const { type, disposition, ...reference } = first;
    const content = { ...reference, type: mediaTypeOf(type) };
    return { ...request, id, content, disposition };
  }
  return { ...request, id, files: await Promise.all(submitted.map((each) => fileOf(each, contents))) };
}

async function fileOf(submitted: StoredContent, contents: OutboxContents): Promise<PushFile> {
  if ('url' in submitted) throw new ConfigurationError('content at a URL cannot be one of several files');
  const { content, type, sha256: _, ...described } = submitted;
  return { content: storedContent(mediaTypeOf(type), await contents.open(content)), ...described };
}

function mediaTypeOf(text: string): MediaType {
  const type = parseMediaType(text);
  if (!type) throw new ConfigurationError(`invalid media type "${text}": expected e.g. text/vnd.wap.si`);
  return type;
}

/** Ids of the contents in the outbox. */
export function idsOf(contents: readonly StoredContent[]): string[] {
  return contents.flatMap((content) => ('content' in content ? content.content : []));
}
