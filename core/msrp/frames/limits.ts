/** Bounds on what one MSRP frame may cost before anything is known of who sent it. */

export interface FrameLimits {
  /** Start line and headers, bytes. */
  headerBytes: number;
  /** Header lines. */
  headers: number;
}

/**
 * A SEND has some 400 bytes in 7 lines. A path of ten relays adds 1 KB, an AUTH its digest, an application that
 * describes its content what it likes.
 */
export const FRAME_LIMITS: FrameLimits = { headerBytes: 16_384, headers: 64 };

/** Bounds on what connections, sessions and messages may cost, whoever the peer is. */

export interface MsrpLimits extends FrameLimits {
  /** Connections that a listener has accepted, at a time. */
  connections: number;
  /** Sessions of a listener or of a connector, at a time. */
  sessions: number;
  /** Messages of a session under way at a time, each direction. One more that arrives is answered 413; ours wait. */
  messages: number;
  /** Parts of a message that have come with something missing between them. */
  parts: number;
  /** Bytes of a connection that its sinks have not taken yet: the peer waits meanwhile. */
  unresolvedBytes: number;
  /** Bytes of a chunk that is sent; less where a relay is in the path. */
  chunkBytes: number;
  /** Of one message: bytes and chunks that were sent and not answered. */
  bytesInFlight: number;
  chunksInFlight: number;
  /** How long a connection may serve no session, and a message may wait for its peer to connect; milliseconds. */
  unboundTimeout: number;
  /** RFC 4975 7.1.1: how long the peer may leave a SEND unanswered, milliseconds. */
  transactionTimeout: number;
  /** How long the REPORT may take after the last chunk was answered, milliseconds. */
  reportTimeout: number;
}

export const MSRP_LIMITS: MsrpLimits = {
  ...FRAME_LIMITS,
  // Some 20 KB each with TLS: 200 MB.
  connections: 10_000,
  sessions: 10_000,
  // Parallel messages of one session share its connection: more of them do not make it faster.
  messages: 16,
  // Nobody loses chunks on the way; those who send parts in parallel do so by the handful.
  parts: 64,
  unresolvedBytes: 1024 * 1024,
  // Larger ones gain no throughput, and a WebSocket message, which a chunk is (RFC 7977 5.1), is held by both ends as
  // a whole.
  chunkBytes: 64 * 1024,
  // What a path of 1 Gbit/s and 30 ms holds.
  bytesInFlight: 4 * 1024 * 1024,
  chunksInFlight: 64,
  unboundTimeout: 30_000,
  transactionTimeout: 30_000,
  // An application has some 10 s for its decision, and what it commits to has to reach a disk.
  reportTimeout: 60_000,
};

/**
 * Bytes of a chunk at most where a relay is in the path: Kamailio's drops a frame of more than 11 KiB, headers and all,
 * and the connection with it.
 */
export const RELAYED_CHUNK = 8 * 1024;
/** The largest WebSocket message that we take, bytes. */
export const FRAMED_MESSAGE = 256 * 1024;

/** RFC 7977 4.2. */
export const MSRP_SUBPROTOCOL = 'msrp';
