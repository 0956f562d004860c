/** From the body of a request to an order: contents that came with it are kept first. */

import type { Outbox } from '../../core/sender/outbox/outbox.js';
import type { OrderedContent, PushOrder } from '../../core/sender/outbox/record.js';
import type { PushBody } from './schemas.js';

type BodyContent = NonNullable<PushBody['content']>;

export async function orderOf({ content, files, ...order }: PushBody, outbox: Outbox): Promise<PushOrder> {
  const contents: OrderedContent[] = [];
  for (const each of content ? [content] : (files ?? [])) contents.push(await ordered(each, outbox));
  return { ...order, contents };
}

async function ordered(given: BodyContent, outbox: Outbox): Promise<OrderedContent> {
  if ('url' in given || 'content' in given) return given;
  const { bytes, described } = bytesOf(given);
  const { id } = await outbox.addContent(new Blob([bytes]).stream());
  return { ...described, content: id };
}

function bytesOf(given: Exclude<BodyContent, { url: string } | { content: string }>) {
  if ('text' in given) {
    const { text, ...described } = given;
    return { bytes: Buffer.from(text), described };
  }
  const { base64, ...described } = given;
  return { bytes: Buffer.from(base64, 'base64'), described };
}
