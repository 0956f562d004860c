/** The content of a push: bytes that can be opened again. */

/** A media type with its parameters; `type` is lower-case `type/subtype`. */
export interface MediaType {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** First and last byte to give, inclusive, counted from 0. */
export interface ByteRange {
  start: number;
  end?: number;
}

/**
 * Content can be opened more than once: it is hashed before it is offered, given again after a crash, and
 * resumed from the middle. Small content lives in memory, large in the spool.
 */
export interface Content {
  readonly type: MediaType;
  /** Bytes, where known ahead. */
  readonly size?: number;
  /** All of it, or a range; each call is a stream of its own. */
  open(range?: ByteRange): ReadableStream<Uint8Array>;
  /** The whole content. Rejects with LimitError when it is larger than `limit` bytes. */
  bytes(limit: number): Promise<Uint8Array>;
}
