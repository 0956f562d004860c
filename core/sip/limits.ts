/** Bounds on what one SIP message may cost before anything is known of who sent it. */

/**
 * Start line and headers, bytes. RFC 4475's longest is 3.3 KB, an IMS request with certificates of STIR some
 * 8 KB; a datagram cannot hold more than 64 KB of anything.
 */
export const MAX_HEADER_BYTES = 32_768;

/** Header lines. A request through 70 hops has 70 Via and 70 Record-Route (Max-Forwards). */
export const MAX_HEADER_LINES = 256;

/** Request-URI, characters: a GRUU with an instance id takes 150. Answered 414. */
export const MAX_URI_LENGTH = 2048;

/**
 * A whole message on a stream, bytes. Pager mode carries 1300 (RFC 3428 8), up to a few hundred KB where all
 * hops are reliable; what is larger goes in session mode.
 */
export const MAX_MESSAGE_BYTES = 1_048_576;
