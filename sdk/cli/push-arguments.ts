/** The arguments of `sip-push send` that describe the push, and the progress of its files. */

import { platform } from '#platform';
import { isEventAppId, isIari } from '../../core/app/contract/event-app-id.js';
import type { MediaType } from '../../core/content/content.js';
import { parseMediaType } from '../../core/content/media-type.js';
import { addressProblem } from '../../core/sender/addressing.js';
import type { PushModeChoice } from '../../core/sender/push-request.js';
import type { PushFile } from '../../core/sender/session/outgoing-line.js';
import type { FileProgress } from '../../core/sender/session/terminal-push.js';
import type { Arguments } from './command.js';
import type { IoStreams } from './io-streams.js';
import { TransferProgress } from './progress.js';
import { UsageError } from './usage.js';

/** Shows the progress of files in session mode, and explains how to resume them. */
export class UploadProgress {
  /** Whether a terminal has received any bytes. */
  #started = false;

  constructor(private readonly io: IoStreams) {}

  observe(files: readonly PushFile[]): (progress: FileProgress) => void {
    const transfers = files.map(({ name = '' }) => new TransferProgress(this.io, name));
    return ({ index, received, size }) => {
      if (received > 0) this.#started = true;
      transfers[index]?.update(received, size);
    };
  }

  /** Prints how to resume the transfer if a terminal has received a part of it. */
  explainResume({ id }: PushArguments): void {
    if (this.#started) this.io.err(`to resume the transfer, repeat the command with --id ${id}`);
  }
}

/** The push that the arguments of `sip-push send` describe. */
export interface PushArguments {
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
/** 30 days, in seconds. */
const MAX_TTL = 2_592_000;

/** @throws UsageError naming the invalid argument and what was expected. */
export function readPushArguments(args: Arguments): PushArguments {
  const to = args.required('to', 'sip:bob@domain.test');
  const problem = addressProblem(to);
  if (problem !== undefined) throw new UsageError(`invalid --to "${to}": ${problem}`);
  const app = args.required('app', 'mms.ua');
  if (!isEventAppId(app))
    throw new UsageError(`invalid --app "${app}": expected an event-app-id, e.g. mms.ua`);
  const iari = args.text('iari');
  if (iari !== undefined && !isIari(iari)) {
    throw new UsageError(`invalid --iari "${iari}": expected an IARI, e.g. ${EXAMPLE_IARI}`);
  }
  const typeText = args.required('type', 'application/vnd.wap.mms-message');
  const type = parseMediaType(typeText);
  if (!type)
    throw new UsageError(`invalid --type "${typeText}": expected a media type, e.g. text/vnd.wap.si`);
  const modeText = args.text('mode') ?? 'auto';
  const mode = MODES.find((known) => known === modeText);
  if (!mode) throw new UsageError(`invalid --mode "${modeText}": expected ${MODES.join(', ')}`);
  const source = readSource(args);
  const report = args.has('report');
  requireCompatible(mode, source, report);
  const ttl = readTtl(args.text('ttl'));
  return {
    to,
    app,
    type,
    mode,
    source,
    report,
    id: args.text('id') ?? platform.randomHex(8),
    iari,
    ttl,
  };
}

function requireCompatible(mode: PushModeChoice, source: PushArguments['source'], report: boolean): void {
  const second = 'files' in source ? source.files[1] : undefined;
  if (mode === 'pager' && second !== undefined) {
    throw new UsageError(`unexpected FILE "${second}": expected one FILE in pager mode`);
  }
  if (mode === 'indirect' && second !== undefined) {
    throw new UsageError(`unexpected FILE "${second}": expected one FILE in indirect mode`);
  }
  if (mode === 'session' && 'url' in source) {
    throw new UsageError('invalid --mode "session": expected auto, pager or indirect with --content-url');
  }
  if (report && (mode === 'pager' || mode === 'indirect')) {
    throw new UsageError(`unexpected --report: ${mode} mode has no reports: expected --mode session or auto`);
  }
}

function readTtl(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ttl = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (ttl <= MAX_TTL) return ttl;
  throw new UsageError(`invalid --ttl "${text}": expected a number of seconds up to ${MAX_TTL}, e.g. 3600`);
}

function readSource(args: Arguments): PushArguments['source'] {
  const url = args.text('content-url');
  const [file] = args.operands;
  if (url !== undefined) {
    if (file !== undefined)
      throw new UsageError(`unexpected FILE "${file}": expected either FILE or --content-url`);
    if (!URL.canParse(url))
      throw new UsageError(`invalid --content-url "${url}": expected a URL, e.g. https://example.com/a`);
    return { url };
  }
  if (file === undefined) throw new UsageError('missing FILE: expected the file to push');
  return { files: args.operands };
}
