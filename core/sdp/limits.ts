/** Bounds on what one session description may cost before anything is known of who sent it. */

/** A whole body, bytes. A media line with its file takes some 700: 128 of them are 90 KB. */
export const MAX_BYTES = 262_144;

/** One line, characters, folded parts included. A file name of 255 bytes takes 765 when all are percent-encoded. */
export const MAX_LINE = 8_192;

/** Lines: 128 files with 16 lines each are 2,048. */
export const MAX_LINES = 4_096;

/** Media lines, open and closed ones (RFC 3264 8.2: a closed one stays). */
export const MAX_MEDIA = 128;

/** URIs in a path. Each is a relay: RFC 4976 knows one or two at each side. */
export const MAX_PATH = 32;
