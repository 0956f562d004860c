/** One attempt at one address, in the first mode that takes the push (TS 8.1.2, 8.2.2). */

import { platform } from '#platform';
import type { Content } from '../content/content.js';
import { encodedContent } from '../content/content-coding.js';
import { ConfigurationError, LimitError } from '../errors.js';
import type { SipUserAgent } from '../sip/user-agent.js';
import { type Addressing, requireAddress } from './addressing.js';
import { type Choice, modesFor } from './choice.js';
import {
  MAX_PAGER_REQUEST,
  type MessageBody,
  pagerBody,
  publishedBody,
  referenceBody,
  sendMessage,
} from './pager.js';
import type { Publisher } from './publisher.js';
import type { ContentReference, PushRequest, Receipt } from './push-request.js';
import { type OfferedFile, offeredFile, type PushFile } from './session/outgoing-line.js';
import type { SessionSender } from './session/session.js';
import type { FileProgress, FileReceipt } from './session/terminal-push.js';
import { saysGone, type TerminalFacts } from './terminals/terminal.js';

export interface AttemptsOptions {
  agent: SipUserAgent;
  identity: string;
  /** Whether to send P-Asserted-Identity (8.1.2-04). */
  assertIdentity: boolean;
  sessions: SessionSender;
  /** Opens the server of published content; absent: nobody said where. */
  publisher?(): Promise<Publisher>;
}

export interface AttemptOptions {
  signal?: AbortSignal;
  /** Session mode: called when more bytes of a file were sent. */
  onProgress?(progress: FileProgress): void;
}

const NOWHERE = 'To refer to it, "publish" has to say where it is served';
const NOTHING_LEFT = `too large for a MESSAGE, and the terminal takes no sessions. ${NOWHERE}`;

/** A push that is ready to be sent, to as many addresses as it takes. */
export class PreparedPush {
  /** For the offers of all its sessions: each file is read for its digest once. */
  #offered: Promise<ReadonlyMap<PushFile, OfferedFile>> | undefined;
  /** By address: what has come to an end there, and does not go there again. */
  readonly #ended = new Map<string, Map<PushFile, readonly Receipt[]>>();

  private constructor(
    private readonly push: PushRequest,
    /** As they are sent; none where the content stays where it is. */
    private readonly files: readonly PushFile[],
    private readonly reference: ContentReference | undefined,
    private readonly options: AttemptsOptions,
  ) {}

  /** @throws ConfigurationError when it is addressed to nobody, or its mode cannot do what is asked for. */
  static async of(push: PushRequest, options: AttemptsOptions): Promise<PreparedPush> {
    requireAddress(push);
    const { mode, encoding } = push;
    // RFC 4975 has no content codings.
    if (mode === 'session' && encoding) {
      throw new ConfigurationError(`session mode knows no content codings, as ${encoding}`);
    }
    if ('files' in push && push.files.length === 0) {
      throw new ConfigurationError('a push of files has at least one');
    }
    const files: PushFile[] = [];
    for (const file of filesOf(push)) {
      files.push(encoding ? { ...file, content: await encodedContent(file.content, encoding) } : file);
    }
    return new PreparedPush(push, files, referenceOf(push), options);
  }

  /**
   * Sends what has not come to an end at that address before.
   * @param uri Request-URI.
   * @param terminal what is known of the one that it names.
   * @returns a receipt for each file, and each terminal that took the INVITE.
   * @throws LimitError when the content does not fit the mode that was asked for, or any; ConfigurationError when no
   * port is free, or nobody said where to publish; the signal's reason.
   */
  async send(
    uri: string,
    terminal: TerminalFacts | undefined,
    options: AttemptOptions = {},
  ): Promise<Receipt[]> {
    const { mode = 'auto' } = this.push;
    const choices = modesFor(
      {
        mode,
        sizes: this.files.map(({ content }) => content.size),
        types: this.files.map(({ content }) => content.type.type),
        referred: this.reference !== undefined,
        coded: this.push.encoding !== undefined,
        publishes: this.options.publisher !== undefined,
      },
      terminal,
    );
    const ended = this.#ended.get(uri) ?? new Map<PushFile, readonly Receipt[]>();
    this.#ended.set(uri, ended);
    const results: Sent[] = [];
    let files = this.files.filter((file) => !ended.has(file));
    let tooLarge: LimitError | undefined;
    for (const [index, choice] of choices.entries()) {
      const again: PushFile[] = [];
      for (const each of await this.#by(choice, uri, files, options)) {
        if ('tooLarge' in each) {
          tooLarge = each.tooLarge;
          again.push(each.file);
        } else if (each.file && each.sessionless && index < choices.length - 1) {
          again.push(each.file);
        } else {
          const why = each.sessionless && mode === 'auto' ? NOTHING_LEFT : choice.why;
          results.push({ ...each, receipt: { ...ifKnown(terminal, each.receipt), why } });
        }
      }
      if (again.length === 0) return this.#noteEnds(results, ended);
      files = again;
    }
    throw (
      tooLarge ??
      new LimitError(`content past ${MAX_PAGER_REQUEST} bytes, and nobody said where to publish it`)
    );
  }

  /** @returns all receipts of the push at an address. */
  #noteEnds(results: readonly Sent[], ended: Map<PushFile, readonly Receipt[]>): Receipt[] {
    const before = [...ended.values()].flat();
    for (const file of this.files) {
      const receipts = results.filter((each) => each.file === file).map(({ receipt }) => receipt);
      if (receipts.length > 0 && !receipts.some(({ retryable }) => retryable)) ended.set(file, receipts);
    }
    return [...before, ...results.map(({ receipt }) => receipt)];
  }

  async #by(
    { mode }: Choice,
    uri: string,
    files: readonly PushFile[],
    options: AttemptOptions,
  ): Promise<readonly (Sent | TooLarge)[]> {
    const { push, reference } = this;
    const { sessions, identity } = this.options;
    if (mode === 'session') {
      const offered = await this.#offers(options.signal);
      const chosen = files.flatMap((file) => offered.get(file) ?? []);
      return await sessions.send({ ...this.#addressed(uri), report: push.report ?? false }, chosen, options);
    }
    if (reference) {
      const disposition = 'disposition' in push ? push.disposition : undefined;
      return [
        { receipt: await this.#message(uri, referenceBody(reference, disposition, identity), options) },
      ];
    }
    const sent: (Sent | TooLarge)[] = [];
    for (const file of files) {
      const receipt =
        mode === 'pager' ? await this.#paged(uri, file, options) : await this.#published(uri, file, options);
      sent.push(
        receipt instanceof LimitError
          ? { file, tooLarge: receipt }
          : { file, receipt: file.name === undefined ? receipt : { ...receipt, fileName: file.name } },
      );
    }
    return sent;
  }

  /** 8.1.2-03: what is too large, as a request as a whole, has not been sent. */
  async #paged(uri: string, { content }: PushFile, options: AttemptOptions): Promise<Receipt | LimitError> {
    try {
      return await this.#message(uri, await pagerBody(content, this.push.encoding), options);
    } catch (error) {
      if (error instanceof LimitError) return error;
      throw error;
    }
  }

  async #published(uri: string, file: PushFile, options: AttemptOptions): Promise<Receipt> {
    const { publisher, identity } = this.options;
    if (!publisher) {
      throw new ConfigurationError(
        'content is to be referred to, and "publish" does not say where it is served',
      );
    }
    const { lifetime, encoding } = this.push;
    const { message, publication } = await publishedBody(
      file,
      identity,
      await publisher(),
      lifetime,
      encoding,
    );
    let delivered = false;
    try {
      const receipt = await this.#message(uri, message, options);
      delivered = receipt.outcome === 'delivered';
      return receipt;
    } finally {
      // Whoever is to have it after all gets another push.
      if (!delivered) publication.withdraw();
    }
  }

  #message(uri: string, message: MessageBody, { signal }: AttemptOptions): Promise<Receipt> {
    const { agent, identity, assertIdentity } = this.options;
    return sendMessage(agent, this.#addressed(uri), message, {
      ...(assertIdentity ? { assertedIdentity: identity } : {}),
      signal,
    });
  }

  #addressed(to: string): Addressing {
    const { app, iari } = this.push;
    return { to, app, iari };
  }

  #offers(signal: AbortSignal | undefined): Promise<ReadonlyMap<PushFile, OfferedFile>> {
    const id = this.push.id ?? platform.randomHex(16);
    this.#offered ??= offeredFiles(this.files, id, signal).catch((error: unknown) => {
      // Content that cannot be read now may be read the next time.
      this.#offered = undefined;
      throw error;
    });
    return this.#offered;
  }
}

/** What came of a file; of content that stays where it is, of the one that there is. */
type Sent = Pick<FileReceipt, 'receipt'> & Partial<FileReceipt>;

interface TooLarge {
  file: PushFile;
  tooLarge: LimitError;
}

/** A terminal that is known, and the core says that it is not there, may come back. */
function ifKnown(terminal: TerminalFacts | undefined, receipt: Receipt): Receipt {
  const gone = terminal !== undefined && saysGone(receipt.status ?? 0, receipt.retryAfter);
  return gone ? { ...receipt, retryable: true } : receipt;
}

async function offeredFiles(files: readonly PushFile[], id: string, signal: AbortSignal | undefined) {
  const offered = new Map<PushFile, OfferedFile>();
  for (const [index, file] of files.entries()) {
    offered.set(file, await offeredFile(file, id, index));
    signal?.throwIfAborted();
  }
  return offered;
}

function filesOf(push: PushRequest): readonly PushFile[] {
  if ('files' in push) return push.files;
  const { content, disposition } = push;
  if (!isContent(content)) return [];
  return [{ content, disposition }];
}

function referenceOf(push: PushRequest): ContentReference | undefined {
  return 'files' in push || isContent(push.content) ? undefined : push.content;
}

function isContent(content: Content | ContentReference): content is Content {
  return 'open' in content;
}
