/** From a push in the outbox to what the sender is asked for. */

import type { MediaType } from '../../content/content.js';
import { parseMediaType } from '../../content/media-type.js';
import { storedContent } from '../../content/stored-content.js';
import { ConfigurationError } from '../../errors.js';
import type { PushRequest } from '../push-request.js';
import type { PushFile } from '../session/offered-file.js';
import type { OutboxContents } from './contents.js';
import type { OrderedContent, PushOrder } from './record.js';

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
