/** From the body of a request to an submission: contents that came with it are kept first. */

import type { Outbox } from '../../core/sender/outbox/outbox.js';
import type { PushSubmission, SubmittedContent } from '../../core/sender/outbox/submission.js';
import type { PushBody } from './schemas.js';

export async function submissionOf(
  { content, files = [], ...submission }: PushBody,
  outbox: Outbox,
): Promise<PushSubmission> {
  const contents: SubmittedContent[] = [];
  for (const given of content ? [content] : files) contents.push(await ordered(given, outbox));
  return { ...submission, contents };
}

async function ordered(given: NonNullable<PushBody['content']>, outbox: Outbox): Promise<SubmittedContent> {
  const { text, base64, content, url, size, hash, name, ...described } = given;
  if (url !== undefined) {
    return {
      ...{ ...described, url },
      size,
      hash,
    };
  }
  const bytes = text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text);
  const id = content ?? (await outbox.addContent(new Blob([bytes]).stream())).id;
  return { ...described, content: id, name };
}
