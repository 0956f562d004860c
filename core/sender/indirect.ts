/** Content by reference at the sender (TS 8.1.2 step 3, RFC 4483). */

import { platform } from '#platform';
import type { ContentCoding } from '../content/encoding/coding.js';
import { buildExternalBody, type ExternalBody } from '../content/external-body.js';
import { SipUri } from '../sip/uri.js';
import type { MessageBody } from './pager.js';
import type { Publication, Publisher } from './publisher.js';
import type { ContentReference } from './push-request.js';
import type { PushFile } from './session/offered-file.js';

/** Seconds: a terminal that is out of coverage comes back, and goes on where it broke off. */
const DEFAULT_LIFETIME = 3600;

/** What an entity without Content-Disposition is there for (RFC 3261 20.11), said aloud. */
const DEFAULT_DISPOSITION = 'render';

/** Content that stays with its application. @throws ConfigurationError saying what of the reference cannot be. */
export function referenceBody(
  content: ContentReference,
  disposition: string | undefined,
  identity: string,
): MessageBody {
  const { url, type, size, hash, expiration } = content;
  const reference = {
    url,
    type,
    ...(size === undefined ? {} : { size }),
    ...(hash === undefined ? {} : { hash }),
    ...(expiration === undefined ? {} : { expiration: expiration.getTime() }),
    headers: describing(disposition, identity),
  };
  return messageBody(reference);
}

/** Content that the sender keeps, until it is withdrawn or its time is over. */
export async function publishedBody(
  { content, disposition }: PushFile,
  identity: string,
  publisher: Publisher,
  lifetime = DEFAULT_LIFETIME,
  coding?: ContentCoding,
): Promise<{ message: MessageBody; publication: Publication }> {
  const publication = await publisher.publish(content, lifetime, coding);
  const { url, size, hash, expiration } = publication;
  const headers = { ...describing(disposition, identity), ...(coding ? { 'content-encoding': coding } : {}) };
  return { message: messageBody({ url, type: content.type, size, hash, expiration, headers }), publication };
}

function messageBody(reference: ExternalBody): MessageBody {
  return { mode: 'indirect', ...buildExternalBody(reference), bytes: reference.size ?? 0 };
}

/** RFC 2046 5.2.3: the content has an id, by which a terminal knows that it has it already. */
function describing(disposition = DEFAULT_DISPOSITION, identity: string): Record<string, string> {
  const host = SipUri.parse(identity)?.host ?? 'localhost';
  return { 'content-id': `<${platform.randomHex(16)}@${host}>`, 'content-disposition': disposition };
}
