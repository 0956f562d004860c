/** Metadata of DCD content, from the push: the format of the container is not public. */

import { sha256 } from 'sip-push/formats';
import { type Push, refuse } from 'sip-push/sdk';

/** Characters. Real URIs and message ids are shorter. */
const MAX_NAME = 2048;

/** JSON values; times are ISO 8601, UTC. */
export interface ContentItem {
  /** Identity of the content: SHA-256 of the channel and the content id, or of the octets if there is no id. */
  readonly key: string;
  /** X-Wap-Initiator-URI: the provider. */
  readonly channel?: string;
  /** Content-ID without its brackets, else X-Wap-Content-URI, else Content-Location. */
  readonly contentId?: string;
  readonly contentType: string;
  /** Octets. */
  readonly size: number;
  readonly sha256: string;
  readonly receivedAt: string;
  readonly expires: string;
}

/**
 * @param keep seconds until the content expires.
 * @throws PushRefused of kind `type` if the content is empty, of kind `size` if a name is too long.
 */
export async function contentItem(push: Push, octets: Uint8Array, keep: number): Promise<ContentItem> {
  if (octets.length === 0) throw refuse('type', 'empty content: expected a DCD container');
  const { channel, contentId } = namesOf(push);
  const hash = await sha256(octets);
  const identity = JSON.stringify([channel ?? null, contentId ?? { sha256: hash }]);
  return {
    key: await sha256(identity),
    channel,
    contentId,
    contentType: push.content.type.type,
    size: octets.length,
    sha256: hash,
    receivedAt: push.receivedAt.toISOString(),
    expires: new Date(push.receivedAt.getTime() + keep * 1000).toISOString(),
  };
}

/** Channel and content id of a push, if its headers contain them. */
export function namesOf({ headers }: Push): { channel?: string; contentId?: string } {
  const channel = nameIn(headers, 'x-wap-initiator-uri');
  const contentId =
    nameIn(headers, 'content-id')?.replace(/^<(.*)>$/, '$1') ??
    nameIn(headers, 'x-wap-content-uri') ??
    nameIn(headers, 'content-location');
  return { channel, contentId: contentId || undefined };
}

function nameIn(headers: Push['headers'], header: string): string | undefined {
  const name = headers[header]?.trim();
  if (name !== undefined && name.length > MAX_NAME) {
    throw refuse('size', `${header} has ${name.length} characters: expected at most ${MAX_NAME}`);
  }
  return name || undefined;
}
