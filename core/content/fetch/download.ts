/** Downloads of external content to files, with decoding, verification and resumption. */

import { platform } from '#platform';
import { defined } from '../../defined.js';
import { LimitError, MalformedError, SipPushError } from '../../errors.js';
import type { Spool, SpoolFile } from '../../platform/files.js';
import type { Hasher } from '../../platform/platform.js';
import { type Content, memoryContent, readAll, storedContent, through } from '../content.js';
import { type ContentCoding, decodeStream, parseContentEncoding } from '../content-coding.js';
import type { ExternalBody } from '../external-body.js';
import { formatMediaType } from '../media-type.js';
import { FetchError } from './fetch-error.js';
import type { FetchResponse, GuardedFetch } from './guarded-fetch.js';

/** @throws FetchError `malformed` if a coding is unknown. */
export function codingsOf(contentEncoding: string | undefined): ContentCoding[] {
  try {
    return parseContentEncoding(contentEncoding);
  } catch (error) {
    throw toFetchError(error);
  }
}

/** Decodes a body. The stream errors with FetchError `decoded-too-large` beyond the limits, `malformed` if the data is invalid. */
export function decodedBody(
  body: ReadableStream<Uint8Array>,
  codings: readonly ContentCoding[],
  limit: number,
): ReadableStream<Uint8Array> {
  if (codings.length === 0) return body;
  return through(decodeStream(body, codings, limit), async function* (decoded) {
    try {
      yield* decoded;
    } catch (error) {
      throw toFetchError(error);
    }
  });
}

function toFetchError(error: unknown): unknown {
  if (error instanceof LimitError)
    return new FetchError('decoded-too-large', error.message, { cause: error });
  if (error instanceof MalformedError) return new FetchError('malformed', error.message, { cause: error });
  return error;
}

/** A file of the spool that is hashed while it is written. */
class HashedFile {
  #sha1: Hasher = platform.hasher('sha-1');
  #sha256: Hasher = platform.hasher('sha-256');
  #digests: { sha1: string; sha256: string } | undefined;

  constructor(readonly file: SpoolFile) {}

  /** @throws FetchError `spool` if the disk fails; `restart` too. */
  async append(bytes: Uint8Array): Promise<void> {
    await spooling(this.file.append(bytes));
    this.#sha1.update(bytes);
    this.#sha256.update(bytes);
  }

  async restart(): Promise<void> {
    if (this.file.size === 0) return;
    await spooling(this.file.clear());
    this.#sha1 = platform.hasher('sha-1');
    this.#sha256 = platform.hasher('sha-256');
  }

  sha1(): string {
    return this.#ended().sha1;
  }

  sha256(): string {
    return this.#ended().sha256;
  }

  #ended() {
    this.#digests ??= { sha1: this.#sha1.digest(), sha256: this.#sha256.digest() };
    return this.#digests;
  }
}

async function spooling<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof SipPushError) throw new FetchError('spool', error.message, { cause: error });
    throw error;
  }
}

export interface DownloadResult {
  content: Content;
  /** Of the decoded content. */
  sha256: string;
}

/** Bytes up to which content is in memory, so that it outlives its file. */
const SMALL = 256 * 1024;

/** Prefers uncompressed content, because a reference usually has its size and hash. */
const ACCEPT_ENCODING = 'identity, gzip;q=0.5, deflate;q=0.5';

/** Downloads the content of a reference. Attempts continue where the previous one stopped. */
export class Download {
  readonly #files: SpoolFile[] = [];
  #wire: HashedFile | undefined;
  /** Strong entity tag of the first response, for `If-Range` (RFC 9110 §8.8.1, §13.1.5). */
  #etag: string | undefined;
  #contentEncoding: string | undefined;
  #complete = false;

  constructor(
    private readonly fetcher: GuardedFetch,
    private readonly spool: Spool,
    private readonly reference: ExternalBody,
    /** Limit of bytes, both encoded and decoded. */
    private readonly limit: number,
  ) {}

  /**
   * Sends one request. It resumes the previous attempt if the server sent a strong entity tag.
   * @throws FetchError; if it is `transient`, another attempt can succeed.
   */
  async attempt(signal: AbortSignal): Promise<DownloadResult> {
    try {
      return await this.#attempt(signal);
    } finally {
      // A download that waits for its next attempt, and content that waits for its application, use no descriptor.
      await Promise.allSettled(this.#files.map((file) => file.close()));
    }
  }

  async #attempt(signal: AbortSignal): Promise<DownloadResult> {
    this.#wire ??= this.#newFile();
    const wire = this.#wire;
    if (!this.#complete) await this.#receive(wire, signal);
    this.#complete = true;
    const decoded = await this.#decode(wire);
    const { size } = decoded.file;
    const { type } = this.reference;
    const content =
      size > SMALL
        ? storedContent(type, decoded.file)
        : memoryContent(type, await readAll(decoded.file.open(), SMALL));
    return { content, sha256: decoded.sha256() };
  }

  /** Removes the files. Small content remains valid. */
  async remove(): Promise<void> {
    await Promise.all(this.#files.splice(0).map((file) => file.remove().catch(() => {})));
  }

  async #receive(wire: HashedFile, signal: AbortSignal): Promise<void> {
    const etag = wire.file.size > 0 ? this.#etag : undefined;
    if (etag === undefined) await wire.restart();
    const response = await this.fetcher.fetch(this.reference.url, {
      headers: defined({
        accept: formatMediaType(this.reference.type),
        'accept-encoding': ACCEPT_ENCODING,
        range: etag === undefined ? undefined : `bytes=${wire.file.size}-`,
        'if-range': etag,
      }),
      maxSize: this.limit,
      signal,
    });
    try {
      await this.#begin(wire, response, etag);
      await this.#store(wire, response);
    } finally {
      if (!response.body.locked) await response.body.cancel().catch(() => {});
    }
  }

  /** Checks the status and headers of a response. */
  async #begin(wire: HashedFile, response: FetchResponse, etag: string | undefined): Promise<void> {
    const { status, headers } = response;
    const resumed =
      status === 206 && etag !== undefined && continues(headers['content-range'], wire.file.size);
    if (!resumed && status !== 200) {
      // The range is not satisfiable (RFC 9110 §15.5.17), or is another one: the next attempt starts from the beginning.
      const notResumable = etag !== undefined && (status === 416 || status === 206);
      if (!notResumable) throw FetchError.ofStatus(response);
      await wire.restart();
      this.#etag = undefined;
      throw new FetchError('unreachable', `the server does not resume the download (${status})`);
    }
    if (!resumed) {
      await wire.restart();
      this.#etag = headers['accept-ranges'] === 'none' ? undefined : strong(headers.etag);
      this.#contentEncoding = headers['content-encoding'];
    }
    const declared = wire.file.size + Number(headers['content-length'] ?? 0);
    if (declared > this.limit) throw tooLarge(this.limit);
  }

  async #store(wire: HashedFile, response: FetchResponse): Promise<void> {
    const expected = codingsOf(this.#contentEncoding).length > 0 ? undefined : this.reference.size;
    for await (const chunk of response.body) {
      const size = wire.file.size + chunk.length;
      if (size > this.limit) throw tooLarge(this.limit);
      if (expected !== undefined && size > expected) throw wrongSize(expected, `more than ${expected}`);
      await wire.append(chunk);
    }
  }

  /** Verifies the size and hash of the reference, and decodes the content. */
  async #decode(wire: HashedFile): Promise<HashedFile> {
    const { hash, headers } = this.reference;
    const byServer = codingsOf(this.#contentEncoding);
    // The reference and the response can declare the same coding.
    const codings = byServer.length > 0 ? byServer : codingsOf(headers['content-encoding']);
    const problem = this.#problem(wire);
    if (problem && byServer.length === 0) throw problem;
    if (codings.length === 0) return wire;
    const decoded = this.#newFile();
    for await (const chunk of decodedBody(wire.file.open(), codings, this.limit)) await decoded.append(chunk);
    // If the server compressed the content, the reference has the size and hash of the decoded content.
    const decodedProblem = problem && this.#problem(decoded);
    if (decodedProblem) throw hash === undefined ? problem : decodedProblem;
    return decoded;
  }

  #problem(received: HashedFile): FetchError | undefined {
    const { size, hash } = this.reference;
    if (size !== undefined && received.file.size !== size) return wrongSize(size, String(received.file.size));
    const sha1 = received.sha1();
    if (hash === undefined || sha1 === hash) return undefined;
    return new FetchError(
      'hash-mismatch',
      `the content has SHA-1 ${sha1}: expected ${hash} of the reference`,
    );
  }

  #newFile(): HashedFile {
    const hashed = new HashedFile(this.spool.create());
    this.#files.push(hashed.file);
    return hashed;
  }
}

/** Whether a Content-Range such as `bytes 100-199/200` starts at `from`. */
function continues(contentRange: string | undefined, from: number): boolean {
  return Number(/^bytes (\d+)-/i.exec(contentRange ?? '')?.[1]) === from;
}

function strong(etag: string | undefined): string | undefined {
  return etag?.startsWith('"') ? etag : undefined;
}

function tooLarge(limit: number): FetchError {
  return new FetchError('too-large', `the content has more than ${limit} bytes`);
}

function wrongSize(expected: number, found: string): FetchError {
  return new FetchError(
    'size-mismatch',
    `the content has ${found} bytes: expected ${expected} of the reference`,
  );
}
