/** Maps the JSON of the API to submissions of the outbox, and records to JSON. */

import type { Outbox } from '../../core/sender/outbox/outbox.js';
import type { OutboxRecord } from '../../core/sender/outbox/record.js';
import type { PushSubmission, SubmittedContent } from '../../core/sender/outbox/submission.js';
import type { Terminal } from '../../core/sender/terminals/terminal.js';
import type { PushBody } from './schemas.js';

/** Stores the contents in the body, and returns the submission that refers to them. */
export async function submissionOf(
  { content, files = [], ...submission }: PushBody,
  outbox: Outbox,
): Promise<PushSubmission> {
  const contents: SubmittedContent[] = [];
  for (const each of content ? [content] : files) contents.push(await submittedContent(each, outbox));
  return { ...submission, contents };
}

async function submittedContent(
  { text, base64, content, url, size, hash, name, ...described }: NonNullable<PushBody['content']>,
  outbox: Outbox,
): Promise<SubmittedContent> {
  if (url !== undefined) return { ...described, url, size, hash };
  const bytes = text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text);
  const id = content ?? (await outbox.addContent(new Blob([bytes]).stream())).id;
  return { ...described, content: id, name };
}

export function pushJson({ id, submission, state, acceptedAt, endedAt, receipts }: OutboxRecord) {
  return {
    id,
    to: submission.to,
    app: submission.app,
    state,
    acceptedAt: new Date(acceptedAt).toISOString(),
    endedAt: endedAt === undefined ? undefined : new Date(endedAt).toISOString(),
    receipts,
  };
}

export function terminalJson(terminal: Terminal) {
  const { user, registered, lastSeen, gruu, instanceId, apps, types, maxSize, methods, product } = terminal;
  return {
    user,
    registered,
    lastSeen: new Date(lastSeen).toISOString(),
    gruu,
    instanceId,
    apps: apps && [...apps],
    types: types && [...types],
    maxSize,
    methods: methods && [...methods],
    product,
  };
}
