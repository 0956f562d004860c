/** Bodies with their Content-Encoding undone, and what goes wrong with that by name. */

import { platform } from '#platform';
import { LimitError, MalformedError, SipPushError } from '../../errors.js';
import type { Spool, SpoolFile } from '../../platform/files.js';
import type { Hasher } from '../../platform/platform.js';
import { type Content, memoryContent, readAll, storedContent, through } from '../content.js';
import { type ContentCoding, decodeStream, parseContentEncoding } from '../content-coding.js';
import type { ExternalBody } from '../external-body.js';
import { formatMediaType } from '../media-type.js';
import { FetchError } from './fetch-error.js';
import type { FetchResponse, GuardedFetch } from './guarded-fetch.js';

/** @throws FetchError `malformed` for a coding that is not known. */
export function codingsOf(contentEncoding: string | undefined): ContentCoding[] {
  try {
    return parseContentEncoding(contentEncoding);
  } catch (error) {
    throw toFetchError(error);
  }
}

/** The stream errors with FetchError `unfolds` past `limit` bytes or the ratio, `malformed` when it is not as said. */
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
  if (error instanceof LimitError) return new FetchError('unfolds', error.message, { cause: error });
  if (error instanceof MalformedError) return new FetchError('malformed', error.message, { cause: error });
  return error;
}

/** Content as it comes in: on disk, and through the hash functions. */

/** A file of the spool that is hashed as it comes in. */
export class HashedFile {
  #sha1: Hasher = platform.hasher('sha-1');
  #sha256: Hasher = platform.hasher('sha-256');
  #digests: { sha1: string; sha256: string } | undefined;

  private constructor(readonly file: SpoolFile) {}

  /** @throws FetchError `spool`, as all of its methods. */
  static async begin(spool: Spool): Promise<HashedFile> {
    return new HashedFile(await spooling(spool.create()));
  }

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

/** Content that a reference points at, on its way to the spool: as often as it takes, from where it broke off. */

export interface Downloaded {
  content: Content;
  /** Of the content, its codings undone. */
  sha256: string;
}

/** Bytes up to which content is held in memory, so that it can be shown after its file is gone. */
const SMALL = 256 * 1024;

/** Compressed as it lies there, if at all: size and hash of a reference are those of what its sender has. */
const ACCEPT_ENCODING = 'identity, gzip;q=0.5, deflate;q=0.5';

export class Download {
  readonly #files: SpoolFile[] = [];
  #wire: HashedFile | undefined;
  /** Strong entity tag of the response that `#wire` began with (RFC 9110 8.8.1, 13.1.5). */
  #etag: string | undefined;
  #contentEncoding: string | undefined;
  #whole = false;

  constructor(
    private readonly fetcher: GuardedFetch,
    private readonly spool: Spool,
    private readonly reference: ExternalBody,
    /** Bytes that the content may have, on the wire and unfolded. */
    private readonly limit: number,
  ) {}

  /**
   * One request, which goes on where the last broke off when the server's entity tag allows it.
   * @throws FetchError; after a `transient` one another attempt may succeed.
   */
  async attempt(signal: AbortSignal): Promise<Downloaded> {
    const wire = this.#wire ?? (await this.#newFile());
    this.#wire = wire;
    if (!this.#whole) await this.#receive(wire, signal);
    this.#whole = true;
    const arrived = await this.#unfold(wire);
    const { size } = arrived.file;
    const { type } = this.reference;
    const content =
      size > SMALL
        ? storedContent(type, arrived.file)
        : memoryContent(type, await readAll(arrived.file.open(), SMALL));
    return { content, sha256: arrived.sha256() };
  }

  /** Removes the files; content that was small lives on. */
  async remove(): Promise<void> {
    await Promise.all(this.#files.splice(0).map((file) => file.remove().catch(() => {})));
  }

  async #receive(wire: HashedFile, signal: AbortSignal): Promise<void> {
    const etag = wire.file.size > 0 ? this.#etag : undefined;
    if (etag === undefined) await wire.restart();
    const response = await this.fetcher.fetch(this.reference.url, {
      headers: {
        accept: formatMediaType(this.reference.type),
        'accept-encoding': ACCEPT_ENCODING,
        ...(etag === undefined ? {} : { range: `bytes=${wire.file.size}-`, 'if-range': etag }),
      },
      maxSize: this.limit,
      signal,
    });
    try {
      await this.#begin(wire, response, etag);
      await this.#take(wire, response);
    } finally {
      if (!response.body.locked) await response.body.cancel().catch(() => {});
    }
  }

  /** Holds the head of a response against what was asked for. */
  async #begin(wire: HashedFile, response: FetchResponse, etag: string | undefined): Promise<void> {
    const { status, headers } = response;
    const resumed =
      status === 206 && etag !== undefined && continues(headers['content-range'], wire.file.size);
    if (!resumed && status !== 200) {
      // RFC 9110 15.5.17, or another part than was asked for: from the start, the next time.
      const misunderstood = etag !== undefined && (status === 416 || status === 206);
      if (!misunderstood) throw FetchError.ofStatus(response);
      await wire.restart();
      this.#etag = undefined;
      throw new FetchError('unreachable', `the server does not resume (${status})`);
    }
    if (!resumed) {
      await wire.restart();
      this.#etag = headers['accept-ranges'] === 'none' ? undefined : strong(headers.etag);
      this.#contentEncoding = headers['content-encoding'];
    }
    const announced = wire.file.size + Number(headers['content-length'] ?? 0);
    if (announced > this.limit) throw tooLarge(this.limit);
  }

  async #take(wire: HashedFile, response: FetchResponse): Promise<void> {
    const expected = codingsOf(this.#contentEncoding).length > 0 ? undefined : this.reference.size;
    for await (const chunk of response.body) {
      const size = wire.file.size + chunk.length;
      if (size > this.limit) throw tooLarge(this.limit);
      if (expected !== undefined && size > expected) throw wrongSize(expected, `more than ${expected}`);
      await wire.append(chunk);
    }
  }

  /** Checked against the reference, and its codings undone. */
  async #unfold(wire: HashedFile): Promise<HashedFile> {
    const { hash, headers } = this.reference;
    const byServer = codingsOf(this.#contentEncoding);
    // Both may tell of the same coding.
    const codings = byServer.length > 0 ? byServer : codingsOf(headers['content-encoding']);
    const problem = this.#problem(wire);
    if (problem && byServer.length === 0) throw problem;
    if (codings.length === 0) return wire;
    const arrived = await this.#newFile();
    for await (const chunk of decodedBody(wire.file.open(), codings, this.limit)) await arrived.append(chunk);
    // The server compressed it by itself: what was hashed is what was compressed.
    const unfoldedProblem = problem && this.#problem(arrived);
    if (unfoldedProblem) throw hash === undefined ? problem : unfoldedProblem;
    return arrived;
  }

  #problem(arrived: HashedFile): FetchError | undefined {
    const { size, hash } = this.reference;
    if (size !== undefined && arrived.file.size !== size) return wrongSize(size, String(arrived.file.size));
    const sha1 = arrived.sha1();
    if (hash === undefined || sha1 === hash) return undefined;
    return new FetchError('hash-mismatch', `the content has SHA-1 ${sha1}; the reference says ${hash}`);
  }

  async #newFile(): Promise<HashedFile> {
    const arriving = await HashedFile.begin(this.spool);
    this.#files.push(arriving.file);
    return arriving;
  }
}

/** `bytes 100-199/200` begins where we stopped. */
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
  return new FetchError('size-mismatch', `the content has ${found} bytes; the reference says ${expected}`);
}
