/** The offer of a push: a media line for each file (8.2.2-04 to -07), and the state of each. */

import { formatMediaType } from '../../content/media-type.js';
import { buildOffer, newOrigin, nextOrigin, type OfferDescription, type OfferLine } from '../../sdp/index.js';
import type { MediaListener } from './media-listener.js';
import { describeFile, type OfferedFile } from './offered-file.js';
import { OutgoingLine } from './outgoing-line.js';

export class Offer {
  #origin = newOrigin();

  private constructor(
    readonly lines: readonly OutgoingLine[],
    private readonly listener: MediaListener,
  ) {}

  /** @throws TransportError, ConfigurationError when nobody could connect; the signal's reason. */
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

  /** The first, or one that closes the lines that are done (RFC 3264 8.2). @throws ConfigurationError */
  body(): Uint8Array {
    const body = buildOffer(this.description);
    this.#origin = nextOrigin(this.#origin);
    return body;
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
      ...(fingerprint === undefined ? {} : { fingerprints: [fingerprint] }),
      ...(description === undefined ? {} : { description }),
      file: describeFile(offered),
    };
  }
}
