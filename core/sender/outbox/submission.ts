/** A push as its initiator submitted it to the outbox, and the request that the sender makes of it. */

import { z } from 'zod';
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
    type: z.string(),
    name: z.string().optional(),
    disposition: z.string().optional(),
  }),
  z.object({
    url: z.string(),
    type: z.string(),
    size: z.number().optional(),
    hash: z.string().optional(),
    disposition: z.string().optional(),
  }),
]);

export const submissionSchema = z.object({
  to: z.string(),
  app: z.string(),
  iari: z.string().optional(),
  mode: z.enum(['auto', 'pager', 'session', 'indirect']),
  contents: z.array(contentSchema).min(1),
  terminals: z
    .object({ instances: z.array(z.string()).optional(), methods: z.array(z.string()).optional() })
    .optional(),
  /** Seconds since the push was accepted. */
  ttl: z.number().optional(),
  report: z.boolean().optional(),
  encoding: z.enum(['gzip', 'deflate']).optional(),
});

export type PushSubmission = z.infer<typeof submissionSchema>;
export type SubmittedContent = z.infer<typeof contentSchema>;

/** Whether both submit the same push. Contents are compared by their descriptions: an upload gets a new id each time. */
export function isSameSubmission(one: PushSubmission, other: PushSubmission): boolean {
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
  submission: PushSubmission,
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

async function fileOf(submitted: SubmittedContent, contents: OutboxContents): Promise<PushFile> {
  if ('url' in submitted) throw new ConfigurationError('content at a URL cannot be one of several files');
  const { content, type, ...described } = submitted;
  return { content: storedContent(mediaTypeOf(type), await contents.open(content)), ...described };
}

function mediaTypeOf(text: string): MediaType {
  const type = parseMediaType(text);
  if (!type) throw new ConfigurationError(`invalid media type "${text}": expected e.g. text/vnd.wap.si`);
  return type;
}
