/** Sends one push to one address at a time, in the first mode that is possible there (TS 8.1.2, 8.2.2). */

import { platform } from '#platform';
import type { Content } from '../content/content.js';
import { encodedContent } from '../content/content-coding.js';
import { ConfigurationError, LimitError } from '../errors.js';
import { acceptsType } from '../sdp/index.js';
import type { SipUserAgent } from '../sip/user-agent.js';
import { isGruu } from '../sip/values/uri.js';
import { lacksResources } from '../store/records.js';
import { reasonOf } from '../text.js';
import { type Addressing, requireAddress } from './addressing.js';
import { type ModeOption, modesFor } from './mode-selection.js';
import {
  MAX_PAGER_REQUEST,
  type MessageBody,
  pagerBody,
  publishedBody,
  referenceBody,
  sendMessage,
} from './pager.js';
import type { Publication } from './publication.js';
import type { Publisher } from './publisher.js';
import type { ContentReference, PushRequest, Receipt } from './push-request.js';
import { type OfferedFile, type PushFile, prepareOffer } from './session/outgoing-line.js';
import type { SessionSender } from './session/session-sender.js';
import type { FileProgress, FileReceipt } from './session/terminal-push.js';
import { isUnregisteredStatus, type TerminalFacts } from './terminals/terminal.js';

export interface TransmitterOptions {
  agent: SipUserAgent;
  identity: string;
  /** Whether to send P-Asserted-Identity (8.1.2-04). */
  assertIdentity: boolean;
  sessions: SessionSender;
  /** Opens the server of published content; absent if the sender has no `publish` option. */
  publisher?(): Promise<Publisher>;
}

export interface TransmitOptions {
  /** Aborts the push. */
  signal?: AbortSignal;
  /** Reports the progress of a file in session mode. */
  onProgress?(progress: FileProgress): void;
}

const NO_PUBLISHER = 'set "publish" to the address where the sender can serve content';
const NO_MODE_LEFT = `too large for a MESSAGE, and the terminal does not support sessions; ${NO_PUBLISHER}`;

/** Seconds for which published content is kept at least, so that a terminal out of coverage can resume its download. */
const MIN_LIFETIME = 3600;

/** Hexadecimal digits of a digest: 128 bits, so that names are unique. */
const NAME_LENGTH = 32;

/** One push, ready to be sent to any number of addresses. */
export class PushTransmitter {
  /** The files with their digests, computed once for the offers of all sessions. */
  #offered: Promise<ReadonlyMap<PushFile, OfferedFile>> | undefined;
  readonly #id: string;
  /** By address: the files with a final result, which are not sent there again. */
  readonly #ended = new Map<string, Map<PushFile, readonly Receipt[]>>();

  private constructor(
    private readonly push: PushRequest,
    /** The contents as sent, i.e. compressed if requested; empty for referenced content. */
    private readonly files: readonly PushFile[],
    private readonly reference: ContentReference | undefined,
    private readonly options: TransmitterOptions,
  ) {
    this.#id = push.id ?? platform.randomHex(16);
  }

  /** @throws ConfigurationError for an invalid address, no files, or a coding in session mode. */
  static async create(push: PushRequest, options: TransmitterOptions): Promise<PushTransmitter> {
    requireAddress(push);
    const { mode, encoding } = push;
    // RFC 4975 has no content codings.
    if (mode === 'session' && encoding) {
      throw new ConfigurationError(
        `invalid encoding "${encoding}": session mode has no content codings; omit the encoding or use another mode`,
      );
    }
    if ('files' in push && push.files.length === 0) {
      throw new ConfigurationError('invalid files: expected at least one file');
    }
    const files: PushFile[] = [];
    for (const file of filesOf(push)) {
      files.push(encoding ? { ...file, content: await encodedContent(file.content, encoding) } : file);
    }
    return new PushTransmitter(push, files, referenceOf(push), options);
  }

  /**
   * Sends the files that have no final result at this address.
   * @param uri the Request-URI.
   * @param terminal the known facts of the terminal at this address.
   * @returns a receipt for each file and for each terminal that accepted the INVITE.
   * @throws LimitError when the content does not fit the requested mode, or any mode; ConfigurationError when no port
   * is free, or the mode needs `publish`; the signal's reason.
   */
  async send(
    uri: string,
    terminal: TerminalFacts | undefined,
    options: TransmitOptions = {},
  ): Promise<Receipt[]> {
    const { mode = 'auto' } = this.push;
    const modes = modesFor(
      {
        mode,
        sizes: this.files.map(({ content }) => content.size),
        referenced: this.reference !== undefined,
        encoded: this.push.encoding !== undefined,
        canPublish: this.options.publisher !== undefined,
      },
      terminal,
    );
    const ended = this.#ended.get(uri) ?? new Map<PushFile, readonly Receipt[]>();
    this.#ended.set(uri, ended);
    const results: SendResult[] = [];
    const accepts = ({ content }: PushFile) => isListed(content.type.type, terminal);
    if (this.reference && !isListed(this.reference.type.type, terminal))
      return [unlisted(uri, 'indirect', this.reference.type.type)];
    let files = this.files.filter((file) => !ended.has(file) && accepts(file));
    for (const file of this.files) {
      if (ended.has(file) || accepts(file)) continue;
      const receipt = unlisted(uri, modes[0]?.mode ?? 'pager', file.content.type.type);
      results.push({ file, receipt: { ...receipt, fileName: file.name } });
    }
    if (files.length === 0 && results.length > 0) return this.#recordResults(results, ended);
    let tooLarge: LimitError | undefined;
    for (const [index, option] of modes.entries()) {
      const remaining: PushFile[] = [];
      for (const each of await this.#sendBy(option, uri, files, options)) {
        if ('tooLarge' in each) {
          tooLarge = each.tooLarge;
          remaining.push(each.file);
        } else if (each.file && each.sessionsUnsupported && index < modes.length - 1) {
          remaining.push(each.file);
        } else {
          const why = each.sessionsUnsupported && mode === 'auto' ? NO_MODE_LEFT : option.why;
          results.push({ ...each, receipt: { ...retryableIfKnown(terminal, each.receipt), why } });
        }
      }
      if (remaining.length === 0) return this.#recordResults(results, ended);
      files = remaining;
    }
    throw (
      tooLarge ??
      new LimitError(`content exceeds the limit of ${MAX_PAGER_REQUEST} bytes for a MESSAGE; ${NO_PUBLISHER}`)
    );
  }

  /** Records the files with a final result. @returns all receipts of the push at the address. */
  #recordResults(results: readonly SendResult[], ended: Map<PushFile, readonly Receipt[]>): Receipt[] {
    const before = [...ended.values()].flat();
    for (const file of this.files) {
      const receipts = results.filter((each) => each.file === file).map(({ receipt }) => receipt);
      if (receipts.length > 0 && !receipts.some(({ retryable }) => retryable)) ended.set(file, receipts);
    }
    return [...before, ...results.map(({ receipt }) => receipt)];
  }

  async #sendBy(
    { mode }: ModeOption,
    uri: string,
    files: readonly PushFile[],
    options: TransmitOptions,
  ): Promise<readonly (SendResult | TooLarge)[]> {
    const { push, reference } = this;
    const { sessions, identity } = this.options;
    if (mode === 'session') {
      const offered = await this.#offeredFiles(options.signal);
      const offers = files.flatMap((file) => offered.get(file) ?? []);
      return await sessions.send({ ...this.#addressing(uri), report: push.report ?? false }, offers, options);
    }
    if (reference) {
      const disposition = 'disposition' in push ? push.disposition : undefined;
      const message = referenceBody(reference, disposition, identity);
      return [{ receipt: await this.#message(uri, undefined, message, options) }];
    }
    const sent: (SendResult | TooLarge)[] = [];
    for (const file of files) {
      const receipt =
        mode === 'pager'
          ? await this.#sendInMessage(uri, file, options)
          : await this.#sendReference(uri, file, options);
      sent.push(
        receipt instanceof LimitError
          ? { file, tooLarge: receipt }
          : { file, receipt: file.name === undefined ? receipt : { ...receipt, fileName: file.name } },
      );
    }
    return sent;
  }

  /** @returns a LimitError, and has sent nothing, if the whole request is too large (8.1.2-03). */
  async #sendInMessage(uri: string, file: PushFile, options: TransmitOptions): Promise<Receipt | LimitError> {
    try {
      return await this.#message(uri, file, await pagerBody(file.content, this.push.encoding), options);
    } catch (error) {
      if (error instanceof LimitError) return error;
      throw error;
    }
  }

  async #sendReference(uri: string, file: PushFile, options: TransmitOptions): Promise<Receipt> {
    const { publisher, identity } = this.options;
    if (!publisher) {
      throw new ConfigurationError(`content by reference needs a server: ${NO_PUBLISHER}`);
    }
    const { encoding, ttl = 0, lifetime = Math.max(MIN_LIFETIME, ttl) } = this.push;
    const owner = `${this.#nameOf(file)} ${uri}`;
    let publication: Publication;
    try {
      const { content } = file;
      publication = await (await publisher()).publish({ owner, content, lifetime, coding: encoding });
    } catch (error) {
      if (!lacksResources(error)) throw error;
      return unpublished(uri, reasonOf(error));
    }
    // The receiver of an earlier attempt without an answer may have confirmed the reference.
    let kept = publication.reused;
    try {
      const message = publishedBody(publication, file.disposition, identity);
      const receipt = await this.#message(uri, file, message, options);
      kept ||= receipt.outcome === 'delivered' || receipt.status === undefined || receipt.status === 408;
      return receipt;
    } finally {
      if (!kept) publication.withdraw();
    }
  }

  #message(
    uri: string,
    file: PushFile | undefined,
    message: MessageBody,
    { signal }: TransmitOptions,
  ): Promise<Receipt> {
    const { agent, identity, assertIdentity } = this.options;
    return sendMessage(agent, this.#addressing(uri), message, {
      callId: this.#nameOf(file),
      assertedIdentity: assertIdentity ? identity : undefined,
      signal,
    });
  }

  #addressing(to: string): Addressing {
    const { app, iari } = this.push;
    return { to, app, iari };
  }

  #offeredFiles(signal: AbortSignal | undefined): Promise<ReadonlyMap<PushFile, OfferedFile>> {
    this.#offered ??= this.#prepareOffers(signal).catch((error: unknown) => {
      // The next attempt reads the content again.
      this.#offered = undefined;
      throw error;
    });
    return this.#offered;
  }

  async #prepareOffers(signal: AbortSignal | undefined): Promise<ReadonlyMap<PushFile, OfferedFile>> {
    const offered = new Map<PushFile, OfferedFile>();
    for (const file of this.files) {
      offered.set(file, await prepareOffer(file, this.#nameOf(file)));
      signal?.throwIfAborted();
    }
    return offered;
  }

  /**
   * The Call-ID of a MESSAGE, and the file-transfer-id of an offer (RFC 3261 §8.1.1.4, RFC 5547 §6): one name for a file of
   * the push in every attempt, mode and process, by which the receiver recognizes it. The name has the address in the push
   * request, not the terminal's: a later attempt may know the GRUUs of terminals that the core selected before.
   */
  #nameOf(file: PushFile | undefined): string {
    const index = file ? this.files.indexOf(file) : 0;
    const parts = [this.options.identity, this.#id, this.push.to, index];
    return platform.hash('sha-256', JSON.stringify(parts)).slice(0, NAME_LENGTH);
  }
}

/** Published content will have space again, so the failure is retryable. */
function unpublished(to: string, reason: string): Receipt {
  const terminal = isGruu(to) ? to : undefined;
  return {
    to,
    terminal,
    mode: 'indirect',
    outcome: 'failed',
    reason,
    retryable: true,
    bytes: 0,
    milliseconds: 0,
  };
}

/** Whether the profile of the terminal lists the media type; true without a profile. */
function isListed(type: string, { types }: TerminalFacts = {}): boolean {
  return types === undefined || acceptsType(types, type);
}

/** DR-4.1.2-04: content of a type that the terminal does not accept is not sent. As after a 415, waiting changes nothing. */
function unlisted(to: string, mode: Receipt['mode'], type: string): Receipt {
  return {
    to,
    terminal: isGruu(to) ? to : undefined,
    mode,
    outcome: 'refused',
    reason: `the terminal's profile does not list ${type}`,
    why: 'nothing was sent',
    retryable: false,
    bytes: 0,
    milliseconds: 0,
  };
}

/** The result of a file, or of the referenced content. */
type SendResult = Pick<FileReceipt, 'receipt'> & Partial<FileReceipt>;

interface TooLarge {
  file: PushFile;
  tooLarge: LimitError;
}

/** A known terminal that is not registered may register again, so the failure is retryable. */
function retryableIfKnown(terminal: TerminalFacts | undefined, receipt: Receipt): Receipt {
  const unregistered =
    terminal !== undefined && isUnregisteredStatus(receipt.status ?? 0, receipt.retryAfter);
  return unregistered ? { ...receipt, retryable: true } : receipt;
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
