/** The answer to an offer (TS 8.2.1.1): what is taken of each line, and the name of its MSRP session. */

import type { PushRuntime } from '../../app/runtime.js';
import { MalformedError } from '../../errors.js';
import { type AnswerLine, buildAnswer, type MsrpOffer, newOrigin, nextOrigin } from '../../sdp/index.js';
import type { PushResource } from '../admission.js';
import { pushFeatures } from '../capabilities.js';
import type { Decision } from './decisions.js';
import type { MediaConnector, MediaEndpoint } from './media-connector.js';

export class Answer {
  #lines: AnswerLine[] = [];
  #origin = newOrigin();

  /** @param host of this device, as the core sees it. */
  constructor(
    private offer: MsrpOffer,
    private readonly host: string,
    private readonly resource: PushResource,
    private readonly connector: MediaConnector,
    private readonly runtime: PushRuntime,
  ) {}

  /**
   * The next line.
   * @returns its place, where something is to come.
   * @throws TurnedAway, ConfigurationError when there is none to be had; the reason of the signal.
   */
  async add(decision: Decision, signal: AbortSignal): Promise<MediaEndpoint | undefined> {
    if (decision.type === 'had') this.#lines.push({ type: 'had' });
    else if (decision.type === 'refused' || decision.type === 'closed') this.#lines.push({ type: 'refused' });
    else return await this.#accept(decision, signal);
    return undefined;
  }

  /** Of the Contact: what was asked for, as far as it is here (TS B.4). */
  get features(): string[] {
    const { eventAppIds, iari } = this.resource;
    const here = eventAppIds.filter((id) => this.runtime.eventAppIds.includes(id));
    return pushFeatures(here, iari !== undefined && this.runtime.iaris.includes(iari) ? [iari] : []);
  }

  get body(): Uint8Array {
    return buildAnswer(this.offer, { origin: this.#origin, host: this.host, lines: this.#lines });
  }

  /**
   * To a later offer of the session, which may close lines; those that it adds, or makes others of, are refused.
   * @returns `closed`: the places of lines that were open.
   * @throws MalformedError when there are fewer lines than before.
   */
  again(offer: MsrpOffer): { body: Uint8Array; closed: number[] } {
    const { offer: before, body: last } = this;
    const lines = this.#lines;
    // RFC 3264 8: lines are closed, never taken away.
    if (offer.media.length < lines.length)
      throw new MalformedError(`of ${lines.length} m= lines some are gone`);
    this.#lines = offer.media.map((media, index) => {
      const line = lines[index];
      return line && isSame(media, before.media[index]) ? line : { type: 'refused' };
    });
    this.offer = offer;
    // RFC 3264 8: another version for another description.
    if (!sameBytes(this.body, last)) this.#origin = nextOrigin(this.#origin);
    const closed = lines.flatMap(({ type }, index) =>
      type === 'accepted' && this.#lines[index]?.type !== 'accepted' ? [index] : [],
    );
    return { body: this.body, closed };
  }

  async #accept(
    decision: Extract<Decision, { type: 'file' | 'messages' }>,
    signal: AbortSignal,
  ): Promise<MediaEndpoint> {
    const { media } = decision;
    const place = await this.connector.place(media, this.host, signal);
    const { port, path } = place;
    const { eventAppIds, iari } = this.resource;
    const file = decision.type === 'file' ? decision.file : undefined;
    const acceptTypes = this.runtime.acceptedTypes(eventAppIds, iari);
    this.#lines.push({
      type: 'accepted',
      port,
      path,
      acceptTypes,
      // 8.2.1-07: of this file's application.
      maxSize: file ? file.transfer.largest : this.#largest(acceptTypes),
      ...(file && file.start > 0 ? { range: { start: file.start + 1 } } : {}),
    });
    return place;
  }

  /** Of messages of any of these types, which may be for several applications. */
  #largest(types: readonly string[]): number {
    const { eventAppIds, iari } = this.resource;
    const apps = types.map((type) => this.runtime.resolve(eventAppIds, type, iari));
    return Math.max(
      0,
      ...apps.map((app) => (typeof app === 'string' ? 0 : this.runtime.largestTransfer(app))),
    );
  }
}

/** Whether a line is open for the same file at the same place. */
function isSame(media: Line | undefined, before: Line | undefined): boolean {
  if (!media || !before || !('path' in media) || !('path' in before) || media.port === 0) return false;
  return (
    media.path.join(' ') === before.path.join(' ') &&
    media.file?.transferId === before.file?.transferId &&
    media.file?.selector.sha1 === before.file?.selector.sha1
  );
}

type Line = MsrpOffer['media'][number];

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((octet, index) => octet === other[index]);
}
