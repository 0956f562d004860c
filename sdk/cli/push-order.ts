/** Files on their way in sessions: how far they have come, and how to go on when they did not arrive. */

import { platform } from '#platform';
import { isEventAppId, isIari } from '../../core/app/contract/event-app-id.js';
import type { MediaType } from '../../core/content/content.js';
import { parseMediaType } from '../../core/content/media-type.js';
import type { PushModeChoice } from '../../core/sender/push-request.js';
import type { PushFile } from '../../core/sender/session/outgoing-line.js';
import type { FileProgress } from '../../core/sender/session/terminal-push.js';
import { SipUri } from '../../core/sip/values/uri.js';
import type { Words } from './command.js';
import type { Io } from './io.js';
import { TransferProgress } from './progress.js';
import { UsageError } from './usage.js';

export class SentFiles {
  /** Whether a terminal has any byte of them. */
  #some = false;

  constructor(private readonly io: Io) {}

  observe(files: readonly PushFile[]): (progress: FileProgress) => void {
    const shown = files.map(({ name = '' }) => new TransferProgress(this.io, name));
    return ({ index, received, size }) => {
      if (received > 0) this.#some = true;
      shown[index]?.update(received, size);
    };
  }

  /** What a terminal has of a push is not sent again. Where it has nothing, there is nothing to say. */
  sayHowToGoOn({ id }: Order): void {
    if (this.#some) this.io.err(`to try it again, from where it is: the same command with --id ${id}`);
  }
}

/** What somebody wants pushed, as the words of `sip-push send` have it. */

export interface Order {
  to: string;
  app: string;
  iari?: string;
  type: MediaType;
  mode: PushModeChoice;
  report: boolean;
  id: string;
  /** Seconds. */
  ttl?: number;
  source: { files: readonly string[] } | { url: string };
}

const EXAMPLE_IARI = 'urn:urn-7:3gpp-application.ims.iari.example';
const MODES = ['auto', 'pager', 'session', 'indirect'] as const;
/** Seconds in 30 days: nobody waits longer for a phone. */
const MAX_TTL = 2_592_000;

/** @throws UsageError that says which word is wrong, and what was expected. */
export function readOrder(words: Words): Order {
  const to = words.required('to', 'sip:bob@domain.test');
  if (!SipUri.parse(to)) throw new UsageError(`--to ${to} is no SIP URI; expected e.g. sip:bob@domain.test`);
  const app = words.required('app', 'mms.ua');
  if (!isEventAppId(app)) throw new UsageError(`--app ${app} is no event-app-id; expected e.g. mms.ua`);
  const iari = words.text('iari');
  if (iari !== undefined && !isIari(iari)) {
    throw new UsageError(`--iari ${iari} is no IARI; expected e.g. ${EXAMPLE_IARI}`);
  }
  const typeText = words.required('type', 'application/vnd.wap.mms-message');
  const type = parseMediaType(typeText);
  if (!type) throw new UsageError(`--type ${typeText} is no media type; expected e.g. text/vnd.wap.si`);
  const modeText = words.text('mode') ?? 'auto';
  const mode = MODES.find((known) => known === modeText);
  if (!mode) throw new UsageError(`--mode ${modeText} is not known; expected ${MODES.join(', ')}`);
  const source = readSource(words);
  const report = words.has('report');
  requireFitting(mode, source, report);
  const ttl = readTtl(words.text('ttl'));
  return {
    ...{ to, app, type, mode, source },
    report,
    id: words.text('id') ?? platform.randomHex(8),
    iari,
    ttl,
  };
}

function requireFitting(mode: PushModeChoice, source: Order['source'], report: boolean): void {
  const second = 'files' in source ? source.files[1] : undefined;
  if (mode === 'pager' && second !== undefined) {
    throw new UsageError(`pager mode carries one FILE; ${second} is one too many`);
  }
  if (mode === 'indirect' && second !== undefined) {
    throw new UsageError(`a reference is to one FILE; ${second} is one too many`);
  }
  if (mode === 'session' && 'url' in source) {
    throw new UsageError('--content-url refers to content; session mode carries it');
  }
  if (report && (mode === 'pager' || mode === 'indirect')) {
    throw new UsageError(`--report waits for what only a session brings; ${mode} mode knows no reports`);
  }
}

function readTtl(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ttl = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (ttl <= MAX_TTL) return ttl;
  throw new UsageError(`--ttl ${text} is no number of seconds up to ${MAX_TTL}; expected e.g. 3600`);
}

function readSource(words: Words): Order['source'] {
  const url = words.text('content-url');
  const [file] = words.operands;
  if (url !== undefined) {
    if (file !== undefined)
      throw new UsageError(`--content-url says where the content is; ${file} is one too many`);
    if (!URL.canParse(url))
      throw new UsageError(`--content-url ${url} is no URL; expected e.g. https://example.com/a`);
    return { url };
  }
  if (file === undefined) throw new UsageError('FILE is missing; expected the file whose content is pushed');
  return { files: words.operands };
}
