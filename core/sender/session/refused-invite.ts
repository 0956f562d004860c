/** What a final answer to an INVITE says that begins no session (appendix C, RFC 3261 21). */

import { MalformedError } from '../../errors.js';
import { parseSupported, type SupportedMedia } from '../../sdp/index.js';
import type { SipResponse } from '../../sip/message.js';
import { interpret } from '../outcome.js';
import type { FileOutcome } from './file-outcome.js';

/** RFC 3261 21.4.6, 21.5.2: the receiver, or the core before it, takes no INVITE. */
const TAKE_NO_INVITE = new Set([405, 501]);
/** RFC 3261 21.4.26, 21.6.4: with the media that would be taken. */
const TAKE_OTHER_MEDIA = new Set([488, 606]);

export function refusedBy(response: SipResponse): FileOutcome {
  const said = interpret(response);
  const supported = TAKE_OTHER_MEDIA.has(said.status) ? supportedBy(response) : undefined;
  const { acceptTypes = [], maxSize }: Partial<SupportedMedia> =
    supported === 'none' ? {} : (supported ?? {});
  const types = acceptTypes.length === 0 ? '' : `; it takes ${acceptTypes.join(', ')}`;
  const size = maxSize === undefined ? '' : `; it takes at most ${maxSize} bytes`;
  return {
    ...said,
    reason: `${said.reason}${types}${size}`,
    reported: false,
    sessionless: TAKE_NO_INVITE.has(said.status) || supported === 'none',
  };
}

/** `none`: media, and no MSRP among them. Undefined: nothing is said that can be read. */
function supportedBy({ body }: SipResponse): SupportedMedia | 'none' | undefined {
  if (body.length === 0) return undefined;
  try {
    return parseSupported(body) ?? 'none';
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
