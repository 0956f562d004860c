/** Content that a reference points at, on its way to the spool: as often as it takes, from where it broke off. */

import type { Spool, SpoolFile } from '../../platform/platform.js';
import type { Content } from '../content.js';
import type { ExternalBody } from '../external-body.js';
import { formatMediaType } from '../media-type.js';
import { memoryContent } from '../memory-content.js';
import { storedContent } from '../stored-content.js';
import { readAll } from '../streams.js';
import { Arriving } from './arriving.js';
import { FetchError } from './fetch-error.js';
import type { FetchResponse, GuardedFetch } from './guarded-fetch.js';
import { codingsOf, unfolded } from './unfolded.js';

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
  #wire: Arriving | undefined;
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

  async #receive(wire: Arriving, signal: AbortSignal): Promise<void> {
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
  async #begin(wire: Arriving, response: FetchResponse, etag: string | undefined): Promise<void> {
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

  async #take(wire: Arriving, response: FetchResponse): Promise<void> {
    const expected = codingsOf(this.#contentEncoding).length > 0 ? undefined : this.reference.size;
    for await (const chunk of response.body) {
      const size = wire.file.size + chunk.length;
      if (size > this.limit) throw tooLarge(this.limit);
      if (expected !== undefined && size > expected) throw wrongSize(expected, `more than ${expected}`);
      await wire.append(chunk);
    }
  }

  /** Checked against the reference, and its codings undone. */
  async #unfold(wire: Arriving): Promise<Arriving> {
    const { hash, headers } = this.reference;
    const byServer = codingsOf(this.#contentEncoding);
    // Both may tell of the same coding.
    const codings = byServer.length > 0 ? byServer : codingsOf(headers['content-encoding']);
    const problem = this.#problem(wire);
    if (problem && byServer.length === 0) throw problem;
    if (codings.length === 0) return wire;
    const arrived = await this.#newFile();
    for await (const chunk of unfolded(wire.file.open(), codings, this.limit)) await arrived.append(chunk);
    // The server compressed it by itself: what was hashed is what was compressed.
    const unfoldedProblem = problem && this.#problem(arrived);
    if (unfoldedProblem) throw hash === undefined ? problem : unfoldedProblem;
    return arrived;
  }

  #problem(arrived: Arriving): FetchError | undefined {
    const { size, hash } = this.reference;
    if (size !== undefined && arrived.file.size !== size) return wrongSize(size, String(arrived.file.size));
    const sha1 = arrived.sha1();
    if (hash === undefined || sha1 === hash) return undefined;
    return new FetchError('hash-mismatch', `the content has SHA-1 ${sha1}; the reference says ${hash}`);
  }

  async #newFile(): Promise<Arriving> {
    const arriving = await Arriving.begin(this.spool);
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
