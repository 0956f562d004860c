/** Maps the JSON of the API to submissions of the outbox, and records to JSON. */

import type { OutboxRecord } from '../../core/sender/outbox/record.js';
import type { PushSubmission, SubmittedContent } from '../../core/sender/outbox/submission.js';
import type { Terminal } from '../../core/sender/terminals/terminal.js';
import type { PushBody } from './schemas.js';

export function submissionOf({ content, files = [], ...submission }: PushBody): PushSubmission {
  return { ...submission, contents: (content ? [content] : files).map(submittedContent) };
}

function submittedContent({
  text,
  base64,
  content,
  url,
  size,
  hash,
  name,
  ...described
}: NonNullable<PushBody['content']>): SubmittedContent {
  if (url !== undefined) return { ...described, url, size, hash };
  if (content !== undefined) return { ...described, content, name };
  const bytes = text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text);
  return { ...described, bytes, name };
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
