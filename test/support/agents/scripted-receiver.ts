/** A receiver of files whose messages the test writes: SIP with a scripted core, MSRP with raw peers. */

import { vi } from 'vitest';
import { memoryContent } from '../../../core/content/content.js';
import type { FilesPush, Receipt } from '../../../core/sender/push-request.js';
import type { PushSenderAgent, PushSenderOptions } from '../../../core/sender/sender.js';
import type { PushFile } from '../../../core/sender/session/outgoing-line.js';
import type { SessionSendOptions } from '../../../core/sender/session/terminal-push.js';
import type { SipRequest } from '../../../core/sip/message/message.js';
import { buildResponse } from '../../../core/sip/message/writer.js';
import { attribute, sectionsOf } from '../msrp/push-offers.js';
import { RawMsrp } from '../msrp/raw-msrp.js';
import { request } from '../sip/requests.js';
import { type Received, ScriptedCore } from '../sip/scripted-core.js';
import { BOB, startSender } from './agents.js';

export const OCTETS = 'application/octet-stream';
/** GRUUs of two terminals. */
export const PHONE = `${BOB};gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6`;
export const TABLET = `${BOB};gr=urn:uuid:11111111-7dec-11d0-a765-00a0c91e6bf6`;
/** Bytes, more than one MSRP chunk. */
export const SEVERAL_CHUNKS = 200_000;

export function bytesOf(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * 7 + (index >> 8)) & 0xff);
}

export function fileOf(bytes: Uint8Array, more: Partial<PushFile> = {}): PushFile {
  return { content: memoryContent({ type: OCTETS, parameters: {} }, bytes), ...more };
}

export class Scene {
  readonly #closing: (() => Promise<unknown>)[] = [];
  readonly #offers: Offered[] = [];

  private constructor(
    readonly core: ScriptedCore,
    readonly sender: PushSenderAgent,
  ) {
    this.#closing.push(() => core.close());
    this.#closing.push(() => {
      core.autoAnswered.add('BYE');
      // A sender that stops waits for pending responses.
      for (const offer of this.#offers) if (!offer.answered) offer.respond(480);
      return sender.stop();
    });
  }

  static async open(options: Partial<PushSenderOptions> = {}): Promise<Scene> {
    const core = await ScriptedCore.tcp();
    return new Scene(core, await startSender({ servers: [core.uri], ...options }));
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close();
  }

  onClose(close: () => unknown): void {
    this.#closing.push(async () => close());
  }

  /** Starts a push, and waits for the INVITE. */
  async push(
    files: readonly PushFile[],
    more: Partial<FilesPush> = {},
    options: SessionSendOptions = {},
  ): Promise<{ receipts: Promise<Receipt[]>; offer: Offered }> {
    const receipts = this.sender.send({ to: BOB, app: 'mms.ua', files, mode: 'session', ...more }, options);
    // A test may await the result later.
    receipts.catch(() => {});
    return { receipts, offer: await this.offer() };
  }

  /** The next INVITE. */
  async offer(): Promise<Offered> {
    const offer = new Offered(this, await this.core.request('INVITE'));
    this.#offers.push(offer);
    return offer;
  }

  /** Advances a fake clock in steps, because keep-alives are answered by a real socket. */
  async pass(milliseconds: number): Promise<void> {
    const step = 5_000;
    for (let left = milliseconds; left > 0; left -= step) {
      await vi.advanceTimersByTimeAsync(Math.min(step, left));
      // The first turn takes a ping to the core, the second takes the pong back.
      for (let turn = 0; turn < 2; turn++)
        await this.core.exchange(request('OPTIONS', 'sip:psa@domain.test'));
    }
  }

  /** Answers the next BYE. */
  async bye(): Promise<SipRequest> {
    const { request: bye, respond } = await this.core.request('BYE');
    respond(200);
    return bye;
  }
}

/** The answer to an m= line. */
export interface LineAnswer {
  port?: number;
  host?: string;
  direction?: string;
  setup?: string | null;
  acceptTypes?: string | null;
  path?: string;
  /** Further attributes, `a=…`. */
  lines?: readonly string[];
}

export interface Final {
  /** To tag. */
  tag?: string;
  contact?: string;
}

let serial = 0;

/** An INVITE of the sender with its offer. */
export class Offered {
  readonly invite: SipRequest;
  readonly session: readonly string[];
  readonly media: readonly (readonly string[])[];
  /** MSRP URI of the receiver for each m= line. */
  readonly paths: readonly string[];
  /** Whether a final response was sent. */
  answered = false;
  #tag = `terminal${++serial}`;

  constructor(
    private readonly scene: Scene,
    readonly received: Received,
  ) {
    this.invite = received.request;
    const { session, media } = sectionsOf(this.invite);
    this.session = session;
    this.media = media;
    this.paths = this.media.map(() => `msrp://127.0.0.1:9/receiver${++serial};tcp`);
  }

  /** The value of an attribute of an m= line. */
  attribute(name: string, line = 0): string | undefined {
    return attribute(this.media[line], name);
  }

  /** Port of the m= line with this index. */
  port(line = 0): number {
    return Number(this.media[line]?.[0]?.split(' ')[1]);
  }

  respond(status: number, headers?: [string, string][], body?: Uint8Array): void {
    this.answered ||= status >= 200;
    this.received.respond(status, headers, body);
  }

  /** Sends a 200 with these answers; by default `accepted` for each line. */
  accept(answers: readonly LineAnswer[] = this.media.map(() => ({})), final: Final = {}): void {
    this.answer(this.#answer(answers), final);
  }

  /** Sends a 200. */
  answer(body: string, { tag = this.#tag, contact = PHONE }: Final = {}): void {
    this.answered = true;
    const headers: [string, string][] = [
      ['Contact', `<${contact}>`],
      ['Content-Type', 'application/sdp'],
    ];
    this.scene.core.send(buildResponse(this.invite, 200, { toTag: tag, headers, body: Buffer.from(body) }));
  }

  /** Connects as the receiver for a line, and binds the session. */
  async connect(line = 0): Promise<MediaPeer> {
    const raw = await RawMsrp.connect(this.port(line));
    this.scene.onClose(() => raw.close());
    const media = new MediaPeer(raw, this.attribute('path', line) ?? '', this.paths[line] ?? '');
    const status = await raw.statusOf({ ...media.route, messageId: 'bind' });
    if (status !== 200) throw new Error(`not bound: ${status}`);
    return media;
  }

  /** Sends a request in the dialog. */
  inDialog(method: string, cseq: number, lines: readonly string[] = [], body = ''): SipRequest {
    const contact = /^<(.*?)>/.exec(this.invite.headers.get('Contact') ?? '')?.[1] ?? '';
    const sent = request(method, contact, lines, body);
    sent.headers
      .set('Call-ID', this.invite.headers.get('Call-ID') ?? '')
      .set('From', `${this.invite.headers.get('To') ?? ''};tag=${this.#tag}`)
      .set('To', this.invite.headers.get('From') ?? '')
      .set('CSeq', `${cseq} ${method}`);
    return sent;
  }

  /** Sends an offer in the dialog. @param body replaces the lines. */
  reinvite(cseq: number, answers: readonly LineAnswer[], body = this.#answer(answers)): SipRequest {
    const lines = [`Contact: <${PHONE}>`, 'Content-Type: application/sdp'];
    return this.inDialog('INVITE', cseq, lines, body);
  }

  #answer(answers: readonly LineAnswer[]): string {
    const media = answers.map((answer, index) => {
      const { port = 9, direction = 'recvonly', setup = 'active', acceptTypes = '*', lines = [] } = answer;
      if (port === 0) return ['m=message 0 TCP/MSRP *', ...lines];
      return [
        `m=message ${port} TCP/MSRP *`,
        `a=${direction}`,
        ...(setup === null ? [] : [`a=setup:${setup}`]),
        ...(acceptTypes === null ? [] : [`a=accept-types:${acceptTypes}`]),
        `a=path:${answer.path ?? this.paths[index]}`,
        ...lines,
      ];
    });
    const session = ['v=0', 'o=- 7 7 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'];
    return [...session, ...media.flat(), ''].join('\r\n');
  }
}

/** The MSRP endpoint of a receiver. */
export class MediaPeer {
  constructor(
    readonly raw: RawMsrp,
    readonly to: string,
    readonly from: string,
  ) {}

  get route(): { to: string; from: string } {
    return { to: this.to, from: this.from };
  }

  /** Reads a chunk without answering it. */
  chunk() {
    return this.raw.nextRequest();
  }

  /**
   * Makes a round trip, after which the sender has read all earlier responses. Does not answer chunks that arrive
   * meanwhile. @returns the status.
   */
  async roundTrip(): Promise<number> {
    const id = this.raw.send({ ...this.route, messageId: 'a round trip' });
    for (;;) {
      const { response } = await this.raw.next();
      if (response?.transactionId === id) return response.status;
    }
  }

  /** Reads and answers a chunk. */
  async acknowledge(status = 200) {
    const chunk = await this.raw.nextRequest();
    this.raw.respond(chunk, status);
    return chunk;
  }

  /** Reads a message and answers its chunks with 200. @returns its bytes and first chunk. */
  async message() {
    const first = await this.acknowledge();
    const pieces = [first.body];
    let last = first;
    while (last.flag === '+') {
      last = await this.acknowledge();
      pieces.push(last.body);
    }
    const bytes = Buffer.concat(pieces);
    return {
      first,
      last,
      bytes,
      /** Sends a REPORT on the whole message. */
      report: (status?: string) => this.raw.report(first, `1-${bytes.length}/${bytes.length}`, status),
    };
  }

  /** Reads a message, and sends a success REPORT. */
  async receive() {
    const message = await this.message();
    message.report();
    return message;
  }
}
