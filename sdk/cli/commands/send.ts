/** `sip-push send`: sends one push as a Push Sender Agent. */

import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
// A media listener or an MSRP relay may use WebSocket.
import '#platform/complete';
import { platform } from '#platform';
import { type Content, type MediaType, memoryContent, storedContent } from '../../../core/content/content.js';
import { LimitError, TransportError } from '../../../core/errors.js';
import { MAX_PAGER_REQUEST } from '../../../core/sender/pager.js';
import type { PushModeChoice, PushRequest, Receipt } from '../../../core/sender/push-request.js';
import { PushSenderAgent } from '../../../core/sender/sender.js';
import type { PushFile } from '../../../core/sender/session/outgoing-line.js';
import { printable } from '../../../core/text.js';
import { readBytes } from '../../config/load.js';
import { loadSenderSettings } from '../../config/sender.js';
import { RefusedRequestError } from '../../http-api/client.js';
import { TraceWriter } from '../../trace/trace-writer.js';
import type { Arguments, Command } from '../command.js';
import type { IoStreams } from '../io-streams.js';
import { ConnectionProgress } from '../progress.js';
import { type PushArguments, readPushArguments, UploadProgress } from '../push-arguments.js';
import { submitPush } from '../push-submission.js';
import { receiptJson, receiptLine } from '../report.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push send --config FILE | --via URL  --to URI --app EVENT-APP-ID --type MEDIA-TYPE
                     [--iari URN] [--mode MODE] [--report] [--id ID] [--ttl SECONDS] [--json] [--trace FILE]
                     FILE… | --content-url URL

Pushes the content of FILE, or a reference to URL, to the application EVENT-APP-ID on the terminals of URI: all
terminals of a public user identity (SIP or tel), or the one terminal of a GRUU. Several files are sent in one session,
each with a receipt.

  --config FILE      configuration in JSON: "identity" and "server" are required
  --to URI           e.g. sip:bob@domain.test, or tel:+46701234567, of which the core finds the user
  --app ID           e.g. mms.ua
  --iari URN         instance of the application, if a terminal has several (TS appendix D), e.g.
                     urn:urn-7:3gpp-application.ims.iari.example. It does not select terminals
  --type TYPE        e.g. application/vnd.wap.mms-message
  --mode MODE        pager: in a SIP MESSAGE of at most ${MAX_PAGER_REQUEST} bytes with headers, larger content by
                     reference; session: over MSRP, any size; indirect: by reference; auto (default): in a MESSAGE
                     if the content fits, else in a session, or by reference if the receiver has no session mode
  --report           in session mode: waits for the receiver's report of the delivery
  --id ID            in session mode: id of the push. A push with the same id resumes an interrupted transfer. This
                     command resumes by itself for about a minute, and prints the id if it fails
  --content-url URL  pushes a reference to content on another server
  --ttl SECONDS      retries for this time: when the terminal registers, after its Retry-After, or at intervals
  --via URL          submits the push to a running sender (sip-push sender) instead of --config; its key is --key KEY
                     or SIP_PUSH_KEY in the environment
  --json             prints each receipt as one JSON object per line on stdout
  --trace FILE       writes the messages on the wire for "sip-push trace FILE"; not with --via

This command serves referenced content itself (see "publish"). It runs until the content is fetched, for one hour at
most.

Exit code: 0 if delivered; 1 if refused permanently or cancelled; 2 if the command or the configuration is invalid;
75 if the push failed and can be retried, or if a signal (SIGINT or SIGTERM) ended the command before the result.
The command waits up to 32 seconds for a connection, and the same for an answer.

Example
  sip-push send --config psa.json --to sip:bob@domain.test --app mms.ua \\
    --type application/vnd.wap.mms-message notification.mms

  psa.json: { "identity": "sip:psa@domain.test", "server": "sip:127.0.0.1:5060;transport=tcp",
              "username": "psa", "password": "secret",
              "publish": { "host": "192.0.2.1", "port": 8080 } }`;

export const send: Command = {
  name: 'send',
  help: HELP,
  options: {
    config: { type: 'string' },
    to: { type: 'string' },
    app: { type: 'string' },
    iari: { type: 'string' },
    type: { type: 'string' },
    ttl: { type: 'string' },
    via: { type: 'string' },
    key: { type: 'string' },
    mode: { type: 'string' },
    report: { type: 'boolean' },
    id: { type: 'string' },
    'content-url': { type: 'string' },
    json: { type: 'boolean' },
    trace: { type: 'string' },
  },
  operands: true,
  async run(args, io) {
    const push = readPushArguments(args);
    const via = readSubmission(args, push, io);
    const print = (receipt: Receipt) =>
      io.out(args.has('json') ? receiptJson(receipt) : receiptLine(receipt));
    try {
      const receipts =
        'config' in via ? await sendDirectly(via, push, io, print) : await submitPush(via, push, io, print);
      return Math.max(EXIT.ok, ...receipts.map(exitCode));
    } catch (error) {
      if (io.signal.aborted) {
        io.err(
          'config' in via
            ? 'ended before an answer: the push may have been delivered'
            : `ended before the result: if ${via.url} has accepted the push, it continues`,
        );
        return EXIT.temporaryFailure;
      }
      const retryable =
        error instanceof TransportError || (error instanceof RefusedRequestError && error.retryable);
      if ('url' in via && error instanceof RefusedRequestError && error.status === 401) {
        throw new UsageError(
          `invalid key for ${via.url}: expected "api.key" of the sender as --key, or as SIP_PUSH_KEY in the environment`,
          { cause: error },
        );
      }
      if ('url' in via && retryable) {
        io.err(printable(error.message));
        return EXIT.temporaryFailure;
      }
      throw error;
    }
  },
};

/** The sender of the push: an agent in this process, or a running sender with an HTTP API. */
type Submission = { config: string; trace: string | undefined } | { url: string; key: string };

/** @throws UsageError */
function readSubmission(args: Arguments, { mode }: PushArguments, io: IoStreams): Submission {
  const url = args.text('via');
  const config = args.text('config');
  const trace = args.text('trace');
  if (url === undefined) {
    if (args.text('key') !== undefined) io.err('--key has no effect without --via');
    if (args.text('id') !== undefined && (mode === 'pager' || mode === 'indirect')) {
      io.err(`--id has no effect in ${mode} mode: only session mode resumes`);
    }
    return { config: args.required('config', 'psa.json'), trace };
  }
  if (config !== undefined) {
    throw new UsageError(`unexpected --config "${config}": expected either --config or --via`);
  }
  if (trace !== undefined) {
    throw new UsageError('unexpected --trace with --via: expected --trace of "sip-push sender"');
  }
  return { url, key: keyOf(args) };
}

async function sendDirectly(
  { config, trace: traceFile }: { config: string; trace: string | undefined },
  push: PushArguments,
  io: IoStreams,
  onReceipt: (receipt: Receipt) => void,
): Promise<Receipt[]> {
  const settings = await loadSenderSettings(config);
  // Before the connection, so that an unreadable file is reported at once.
  const request = await requestOf(push);
  const progress = new ConnectionProgress(settings.servers, io.err);
  const trace =
    traceFile === undefined ? undefined : await TraceWriter.open(traceFile, { onProblem: io.err });
  const { handlers } = progress;
  const sender = new PushSenderAgent({
    ...settings,
    ...trace?.taps,
    ...handlers,
    onWire: (direction, bytes, flow) => {
      handlers.onWire(direction, bytes);
      trace?.taps.onWire(direction, bytes, flow);
    },
    onProblem: (error) => io.err(printable(error.message)),
  });
  const uploads = new UploadProgress(io);
  try {
    progress.start();
    await sender.start();
    io.signal.throwIfAborted();
    const sending = sender.send(request, {
      signal: io.signal,
      onReceipts: (receipts) => receipts.forEach(onReceipt),
      onProgress: 'files' in request ? uploads.observe(request.files) : undefined,
    });
    const file = 'content' in request && 'files' in push.source ? push.source.files[0] : undefined;
    const receipts = await (file === undefined ? sending : sending.catch(tooLarge(file)));
    await untilFetched(sender, io);
    if (receipts.some((receipt) => exitCode(receipt) === EXIT.temporaryFailure)) uploads.explainResume(push);
    return receipts;
  } catch (error) {
    uploads.explainResume(push);
    throw error;
  } finally {
    progress.stop();
    await sender.stop();
    await trace?.close();
  }
}

function keyOf(args: Arguments): string {
  const key = args.text('key') ?? process.env.SIP_PUSH_KEY;
  if (key !== undefined && key !== '') return key;
  throw new UsageError('missing --key: expected the key of the sender, or SIP_PUSH_KEY in the environment');
}

/**
 * Opens the files of a push.
 * @throws UsageError or ConfigurationError naming the file that cannot be read.
 */
async function requestOf({ type, source, ...push }: PushArguments): Promise<PushRequest> {
  if ('url' in source) return { ...push, content: { type, ...source } };
  const { mode } = push;
  const [first = ''] = source.files;
  if (mode === 'pager' || mode === 'indirect') {
    return { ...push, content: await contentOf(type, first, mode) };
  }
  const files: PushFile[] = [];
  const fileMode = source.files.length > 1 ? 'session' : mode;
  for (const file of source.files) {
    const content = await contentOf(type, file, fileMode);
    const { mtime: modification } = await stat(file);
    files.push({ content, name: basename(file), date: { modification } });
  }
  return { ...push, files };
}

function exitCode({ outcome, retryable }: Receipt): number {
  if (outcome === 'delivered') return EXIT.ok;
  return retryable ? EXIT.temporaryFailure : EXIT.refused;
}

/** Resolves when the terminals have fetched the content that this process serves. */
async function untilFetched(sender: PushSenderAgent, io: IoStreams): Promise<void> {
  if ((await sender.unfetched()) === 0) return;
  io.err('waiting until the content is fetched, one hour at most (Ctrl-C ends)');
  await sender.settled(io.signal);
  if (io.signal.aborted) io.err('ended before the content was fetched: it is no longer available');
  else io.err('the content was fetched or has expired');
}

/** A regular file is read for each attempt. Other input, such as a pipe, is read once, and must fit in a MESSAGE. */
async function contentOf(type: MediaType, file: string, mode: PushModeChoice): Promise<Content> {
  const regular = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
  if (regular) return storedContent(type, await platform.openFile(file));
  if (mode === 'session')
    throw new UsageError(
      `invalid FILE "${file}": expected a regular file, which session mode can read repeatedly`,
    );
  // Content that is too large is refused before its end is read.
  return memoryContent(type, await readBytes(file, MAX_PAGER_REQUEST).catch(tooLarge(file)));
}

function tooLarge(file: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof LimitError)) throw error;
    throw new LimitError(`${file} does not fit in pager mode: ${error.message}`, { cause: error });
  };
}
