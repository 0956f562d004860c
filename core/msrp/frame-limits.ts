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
