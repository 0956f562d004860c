/** Limits on what a peer can make this end allocate. */

import { LISTEN_LIMITS, type ListenLimits } from '../../platform/bounds.js';

const MEBIBYTE = 1024 * 1024;

export interface FrameLimits {
  /** Size of start line and headers, in bytes. */
  headerBytes: number;
  /** Header lines. */
  headers: number;
}

/**
 * A SEND has about 400 bytes in 7 lines. A path of ten relays adds 1 KB, an AUTH its digest, an application the headers of
 * its content.
 */
export const FRAME_LIMITS: FrameLimits = { headerBytes: 16_384, headers: 64 };

/** `messageTimeout`: for the headers of a frame, and for a frame in a WebSocket message. */
export interface MsrpLimits extends FrameLimits, ListenLimits {
  /** Simultaneous sessions of a listener or connector. */
  sessions: number;
  /** Simultaneous messages of a session in each direction. More incoming ones are answered 413; outgoing ones wait. */
  messages: number;
  /** Separate parts of an incomplete message. */
  parts: number;
  /** Bytes of a connection that its sinks have not written yet; beyond it, the connection stops reading. */
  unresolvedBytes: number;
  /** Size of outgoing chunks, in bytes; less if a relay is in the path. */
  chunkBytes: number;
  /** Unanswered bytes and chunks of one message. */
  bytesInFlight: number;
  chunksInFlight: number;
  /** How long a connection stays open without a session, and a message waits for its peer to connect; milliseconds. */
  unboundTimeout: number;
  /** RFC 4975 §7.1.1: how long the peer can take to answer a SEND, in milliseconds. */
  transactionTimeout: number;
  /** How long the REPORT can take after the answer to the last chunk, in milliseconds. */
  reportTimeout: number;
}

export const MSRP_LIMITS: MsrpLimits = {
  ...FRAME_LIMITS,
  ...LISTEN_LIMITS,
  // A message to a slow peer has 320 KiB buffered.
  heldBytes: 256 * MEBIBYTE,
  heldBytesPerAddress: 128 * MEBIBYTE,
  sessions: 10_000,
  // Messages of one session share its connection: more of them are not faster.
  messages: 16,
  // Chunks are not lost on a stream; senders of parallel parts use a few.
  parts: 64,
  unresolvedBytes: 1024 * 1024,
  // Larger chunks are not faster, and both ends buffer a chunk that is a WebSocket message (RFC 7977 §5.1).
  chunkBytes: 64 * 1024,
  // The bandwidth-delay product of 1 Gbit/s and 30 ms.
  bytesInFlight: 4 * 1024 * 1024,
  chunksInFlight: 64,
  unboundTimeout: 30_000,
  transactionTimeout: 30_000,
  // An application decides within about 10 s, then its commit is written to disk.
  reportTimeout: 60_000,
};

/**
 * The largest chunk if a relay is in the path, in bytes: Kamailio's relay closes the connection on a frame of more than
 * 11 KiB, headers included.
 */
export const RELAYED_CHUNK = 8 * 1024;
/** The largest accepted WebSocket message, in bytes. */
export const FRAMED_MESSAGE = 256 * 1024;

/** RFC 7977 §4.2. */
export const MSRP_SUBPROTOCOL = 'msrp';
