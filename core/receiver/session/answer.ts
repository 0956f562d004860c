/** The answer to an offer (TS 8.2.1.1): what is taken of each line, and the name of its MSRP session. */

import type { PushRuntime } from '../../app/runtime.js';
import { type AnswerLine, buildAnswer, type MsrpOffer, newOrigin, nextOrigin } from '../../sdp/index.js';
import type { PushResource } from '../resource.js';
import type { Decision } from './decisions.js';
import type { MediaConnector, MediaPlace } from './media-connector.js';

export class Answer {
  readonly #lines: AnswerLine[] = [];
  #origin = newOrigin();

  /** @param host of this device, as the core sees it. */
  constructor(
    private readonly host: string,
    private readonly resource: PushResource,
    private readonly connector: MediaConnector,
    private readonly runtime: PushRuntime,
  ) {}

  /** The next line. @returns its place, where something is to come. */
  async add(decision: Decision): Promise<MediaPlace | undefined> {
    if (decision.type === 'had') this.#lines.push({ type: 'had' });
    else if (decision.type === 'refused' || decision.type === 'closed') this.#lines.push({ type: 'refused' });
    else return await this.#accept(decision);
    return undefined;
  }

  body(offer: MsrpOffer): Uint8Array {
    return buildAnswer(offer, { origin: this.#origin, host: this.host, lines: this.#lines });
  }

  /** To a later offer of the session, which may close lines; those that it adds are refused. */
  again(offer: MsrpOffer): Uint8Array {
    this.#origin = nextOrigin(this.#origin);
    const lines = offer.media.map(({ port }, index): AnswerLine => {
      const line = this.#lines[index];
      return port !== 0 && line?.type === 'accepted' ? line : { type: 'refused' };
    });
    this.#lines.splice(0, this.#lines.length, ...lines);
    return buildAnswer(offer, { origin: this.#origin, host: this.host, lines });
  }

  async #accept(decision: Extract<Decision, { type: 'file' | 'messages' }>): Promise<MediaPlace> {
    const { media } = decision;
    const place = await this.connector.place(media, this.host);
    const file = decision.type === 'file' ? decision.file : undefined;
    this.#lines.push({
      type: 'accepted',
      ...place,
      acceptTypes: this.runtime.acceptedTypes(this.resource.eventAppIds),
      // 8.2.1-07: of this file's application.
      ...(file ? { maxSize: file.transfer.largest } : {}),
      ...(file && file.start > 0 ? { range: { start: file.start + 1 } } : {}),
    });
    return place;
  }
}
