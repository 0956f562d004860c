/** What goes over an MSRP connection (RFC 4975 7): requests, whose bodies come apart from them, and responses. */

import type { MsrpHeaders } from './headers.js';

/** `$` ends a message, `+` a chunk of it, `#` gives the message up. */
export type ContinuationFlag = '$' | '+' | '#';

/** Which bytes of a message a chunk carries (Byte-Range). */
export interface ByteRange {
  /** Of the first byte, counted from 1. */
  start: number;
  /**
   * Of the last byte, or undefined for `*`: the chunk goes as far as its end-line. A chunk that was interrupted is
   * shorter than this says. One less than `start` where a message has no bytes.
   */
  end: number | undefined;
  /** Bytes of the whole message; undefined for `*`. */
  total: number | undefined;
}

/** A request without its body. */
export interface MsrpRequest {
  /** SEND, REPORT, AUTH, or whatever else the peer wrote. */
  method: string;
  transactionId: string;
  /** URIs as written, the next hop first. */
  toPath: readonly string[];
  /** URIs as written, the last hop first. */
  fromPath: readonly string[];
  /** All others. */
  headers: MsrpHeaders;
  /**
   * Of one that was received: why it is to be answered 400. Its body is skipped; paths are empty and headers are
   * missing where they cannot be read.
   */
  malformed?: string;
}

export interface MsrpResponse {
  transactionId: string;
  /** Three digits. */
  status: number;
  /** Empty where there is none. */
  comment: string;
  toPath: readonly string[];
  fromPath: readonly string[];
  headers: MsrpHeaders;
}
