/** The SDP offer of a push: one media line for each file (8.2.2-04 to 8.2.2-07). */

import { formatMediaType } from '../../content/media-type.js';
import { MalformedError } from '../../errors.js';
import {
  buildOffer,
  type MsrpOffer,
  newOrigin,
  nextOrigin,
  type OfferDescription,
  type OfferLine,
  parseOffer,
} from '../../sdp/index.js';
import type { MediaListener } from './media-listener.js';
import { describeFile, type OfferedFile, OutgoingLine } from './outgoing-line.js';

export class Offer {
  #origin = newOrigin();

  private constructor(
    readonly lines: readonly OutgoingLine[],
    private readonly listener: MediaListener,
  ) {}

  /** @throws TransportError, ConfigurationError when the sender cannot listen; the signal's reason. */
  static async open(
    files: readonly OfferedFile[],
    listener: MediaListener,
    signal?: AbortSignal,
  ): Promise<Offer> {
    const lines: OutgoingLine[] = [];
    try {
      for (const file of files) lines.push(await OutgoingLine.open(file, listener, signal));
    } catch (error) {
      for (const line of lines) line.close();
      throw error;
    }
    return new Offer(lines, listener);
  }

  get description(): OfferDescription {
    const host = this.lines[0]?.media.host ?? '';
    return { origin: this.#origin, host, lines: this.lines.map((line) => this.#describe(line)) };
  }

  /**
   * The SDP, in which finished lines have port zero (RFC 3264 §8.2). Each call increments the version of the origin.
   * @throws ConfigurationError
   */
  body(): Uint8Array {
    const body = buildOffer(this.description);
    this.#origin = nextOrigin(this.#origin);
    return body;
  }

  /**
   * Reads the offer in a re-INVITE of the receiver (RFC 3264 §8), which may close lines and nothing else.
   * @param body the SDP; an empty body requests this end's offer (RFC 3261 §14.1).
   * @returns the newly closed lines; undefined for any other change.
   */
  closedBy(body: Uint8Array): OutgoingLine[] | undefined {
    if (body.length === 0) return [];
    const media = readMedia(body);
    if (media?.length !== this.lines.length) return undefined;
    if (!media.every((line) => line.port === 0 || 'path' in line)) return undefined;
    return this.lines.filter((line, index) => !line.closed && media[index]?.port === 0);
  }

  close(): void {
    for (const line of this.lines) line.close();
  }

  #describe({ offered, media, closed }: OutgoingLine): OfferLine {
    const { content, description } = offered.file;
    const { fingerprint } = this.listener;
    return {
      protocol: this.listener.secure ? 'TCP/TLS/MSRP' : 'TCP/MSRP',
      port: closed ? 0 : media.port,
      path: media.path,
      acceptTypes: [formatMediaType({ ...content.type, parameters: {} })],
      fingerprints: fingerprint === undefined ? undefined : [fingerprint],
      description,
      file: describeFile(offered),
    };
  }
}

function readMedia(body: Uint8Array): MsrpOffer['media'] | undefined {
  try {
    return parseOffer(body).media;
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
