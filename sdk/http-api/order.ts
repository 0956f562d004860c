/** From the body of a request to an order: contents that came with it are kept first. */

import type { Outbox } from '../../core/sender/outbox/outbox.js';
import type { OrderedContent, PushOrder } from '../../core/sender/outbox/record.js';
import type { PushBody } from './schemas.js';

export async function orderOf(
  { content, files = [], ...order }: PushBody,
  outbox: Outbox,
): Promise<PushOrder> {
  const contents: OrderedContent[] = [];
  for (const given of content ? [content] : files) contents.push(await ordered(given, outbox));
  return { ...order, contents };
}

async function ordered(given: NonNullable<PushBody['content']>, outbox: Outbox): Promise<OrderedContent> {
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
