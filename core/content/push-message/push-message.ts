/** A push message: headers and content, as a gateway passes them on (OMA-TS-Push_Message). */

import type { MediaType } from '../content.js';
import type { HeaderList } from '../headers.js';

/** A push message (WAP-251): headers and content. */
export interface PushMessage {
  /** Of the body. */
  readonly type: MediaType;
  /** All but Content-Type, in their order; `pushHeadersOf` knows what a push adds. */
  readonly headers: HeaderList;
  readonly body: Uint8Array;
}

/** How a push message is one body, the media type of which is application/vnd.oma.push. */
export interface PushEnvelope {
  /**
   * @param rawType of octets that are no envelope but the content by itself; `rawContentType` knows some.
   * @throws MalformedError saying what was expected.
   */
  open(octets: Uint8Array, rawType: MediaType): PushMessage;
  /** @throws ConfigurationError where a header cannot be written. */
  close(message: PushMessage): Uint8Array;
}

/** The media type of a push message that is one body. */
export const PUSH_ENVELOPE_TYPE = 'application/vnd.oma.push';
