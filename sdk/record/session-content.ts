/** The files of recorded MSRP sessions, assembled from their chunks. */

import { type ContinuationFlag, type MsrpRequest, parseByteRange } from '../../core/msrp/frames/frame.js';
import { MsrpParser } from '../../core/msrp/frames/parser.js';
import type { TracedMessage } from '../trace/read-trace.js';

/** Bytes of a file in memory. */
const LARGEST = 256 * 1024 * 1024;

interface Chunk {
  /** Offset of the first byte. */
  start: number;
  bytes: Uint8Array;
}

/** The content of one session, which belongs to an accepted media line. */
export class SessionContent {
  readonly #chunks: Chunk[] = [];
  #whole = false;
  #count = 0;
  /** Time of the last frame in either direction, in milliseconds since 1970. */
  last = 0;
  contentType: string | undefined;
  /** The content is incomplete: a chunk, or the whole file, is too large for a recording. */
  cut = false;

  add({ headers }: MsrpRequest, bytes: Uint8Array, flag: ContinuationFlag): void {
    this.contentType ??= headers.get('Content-Type');
    const { start = 1 } = parseByteRange(headers.get('Byte-Range') ?? '') ?? {};
    this.#count += bytes.length;
    if (this.#count > LARGEST) this.cut = true;
    else this.#chunks.push({ start: start - 1, bytes });
    if (flag === '$') this.#whole = true;
  }

  /** The content; undefined if it is incomplete or does not have `size` bytes. */
  bytes(size: number | undefined): Uint8Array | undefined {
    if (!this.#whole || this.cut) return undefined;
    const end = Math.max(0, ...this.#chunks.map(({ start, bytes }) => start + bytes.length));
    if (this.#count !== end || (size !== undefined && end !== size)) return undefined;
    const content = new Uint8Array(end);
    for (const { start, bytes } of this.#chunks) content.set(bytes, start);
    return content;
  }
}

/** The sessions of a recording by the MSRP URI of the recording host. */
export class Sessions {
  readonly #byUri = new Map<string, SessionContent>();

  open(uri: string): SessionContent {
    const known = this.#byUri.get(uri) ?? new SessionContent();
    this.#byUri.set(uri, known);
    return known;
  }

  /** Adds a complete frame. */
  add({ bytes, direction, time, bodyLeft = 0 }: TracedMessage): void {
    let request: MsrpRequest | undefined;
    const pieces: Uint8Array[] = [];
    const touch = ({ toPath, fromPath }: { toPath: readonly string[]; fromPath: readonly string[] }) => {
      const uri = (direction === 'in' ? toPath : fromPath).at(-1) ?? '';
      const session = this.#byUri.get(uri);
      if (session) session.last = time;
      return session;
    };
    new MsrpParser({
      onRequest: (head) => {
        request = head;
      },
      onResponse: touch,
      onBody: (piece) => pieces.push(piece),
      onEnd: (flag) => {
        const session = request && touch(request);
        if (!request || !session || direction === 'out' || request.method !== 'SEND') return;
        // A SEND without a body binds the connection and has no content (RFC 4975 §5.4).
        if (request.headers.get('Content-Type') === undefined) return;
        if (bodyLeft > 0) session.cut = true;
        session.add(request, Buffer.concat(pieces), flag);
      },
    }).push(bytes);
  }
}
