/** What is known of a piece of DCD content: what its push says, since what its container says is not public. */

import { type Push, PushRefused, sha256 } from 'sip-push/sdk';

/** URIs and message ids are shorter; this one is kept, and told. */
const MAX_NAME = 2048;

/** JSON values; times are ISO 8601, UTC. */
export interface ContentItem {
  /** What tells it from other content: SHA-256 of channel and content id, or of the octets where there is no id. */
  readonly key: string;
  /** X-Wap-Initiator-URI: who provides it. */
  readonly channel?: string;
  /** Content-ID without its brackets, or where it lies: X-Wap-Content-URI, Content-Location. */
  readonly contentId?: string;
  readonly contentType: string;
  /** Octets. */
  readonly size: number;
  readonly sha256: string;
  readonly receivedAt: string;
  readonly expires: string;
}

/**
 * @param keep seconds
 * @throws PushRefused of kind `type` where there is no content, of kind `size` where a name is longer than any.
 */
export async function contentItem(push: Push, octets: Uint8Array, keep: number): Promise<ContentItem> {
  if (octets.length === 0) throw new PushRefused('type', 'no octets, expected a DCD container');
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

/** Channel and content id, as far as a push says them. */
export function namesOf({ headers }: Push): { channel?: string; contentId?: string } {
  const channel = nameIn(headers, 'x-wap-initiator-uri');
  const contentId =
    nameIn(headers, 'content-id')?.replace(/^<(.*)>$/, '$1') ??
    nameIn(headers, 'x-wap-content-uri') ??
    nameIn(headers, 'content-location');
  return { ...(channel ? { channel } : {}), ...(contentId ? { contentId } : {}) };
}

function nameIn(headers: Push['headers'], header: string): string | undefined {
  const name = headers[header]?.trim();
  if (name !== undefined && name.length > MAX_NAME) {
    throw new PushRefused('size', `${header} has ${name.length} characters, expected at most ${MAX_NAME}`);
  }
  return name || undefined;
}
