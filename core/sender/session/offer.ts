/** The SDP offer of a push: one media line for each file (8.2.2-04 to 8.2.2-07). */

import { formatMediaType } from '../../content/media-type.js';
import { partOfType } from '../../content/multipart/part-of-type.js';
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
import { NO_BODY, type SipMessage } from '../../sip/message/message.js';
import type { MediaListener } from './media-listener.js';
import { describeFile, type OfferedFile, OutgoingLine } from './outgoing-line.js';

export class Offer {
  #origin = newOrigin();
  /** Open lines in the last description. */
  #open: number | undefined;

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
   * The SDP, in which finished lines have port zero (RFC 3264 §8.2). The version of its origin changes with it (§8).
   * @throws ConfigurationError
   */
  body(): Uint8Array {
    const open = this.lines.filter(({ closed }) => !closed).length;
    if (this.#open !== undefined && this.#open !== open) this.#origin = nextOrigin(this.#origin);
    this.#open = open;
    return buildOffer(this.description);
  }

  /**
   * Reads the offer in a re-INVITE of the receiver (RFC 3264 §8), which may close lines and nothing else.
   * @param message the request, or the ACK with an answer; without a body it requests this end's offer (RFC 3261 §14.1).
   * @returns the newly closed lines; undefined for any other change.
   */
  closedBy(message: SipMessage): OutgoingLine[] | undefined {
    if (message.body.length === 0) return [];
    const media = readMedia(message);
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

/** The SDP of a message, which can be beside other parts (RFC 5621). @throws MalformedError */
export function descriptionIn({ headers, body }: Pick<SipMessage, 'headers' | 'body'>): Uint8Array {
  const contentType = headers.get('Content-Type') ?? '';
  if (!/^\s*multipart\//i.test(contentType)) return body;
  return partOfType('application/sdp', contentType, body) ?? NO_BODY;
}

function readMedia(message: SipMessage): MsrpOffer['media'] | undefined {
  try {
    return parseOffer(descriptionIn(message)).media;
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
