/** `sip-push send`: sends one push as a Push Sender Agent. */

import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
// A media listener or a relay may need WebSocket.
import '#platform/complete';
import { platform } from '#platform';
import { type Content, type MediaType, memoryContent, storedContent } from '../../../core/content/content.js';
import { LimitError, TransportError } from '../../../core/errors.js';
import { MAX_PAGER_REQUEST } from '../../../core/sender/pager.js';
import type { PushModeChoice, Receipt } from '../../../core/sender/push-request.js';
import { PushSenderAgent } from '../../../core/sender/sender.js';
import type { PushFile } from '../../../core/sender/session/outgoing-line.js';
import { printable } from '../../../core/text.js';
import { readBytes } from '../../config/load.js';
import { loadSenderSettings } from '../../config/sender.js';
import { RefusedRequestError } from '../../http-api/client.js';
import { TraceWriter } from '../../trace/trace-writer.js';
import type { Command, Words } from '../command.js';
import type { Io } from '../io.js';
import { ConnectionProgress } from '../progress.js';
import { type Order, readOrder, SentFiles } from '../push-order.js';
import { pushVia } from '../push-via.js';
import { receiptJson, receiptLine } from '../report.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push send --config FILE | --via URL  --to SIP-URI --app EVENT-APP-ID --type MEDIA-TYPE
                     [--iari URN] [--mode MODE] [--report] [--id ID] [--ttl SECONDS] [--json] [--trace FILE]
                     FILE… | --content-url URL

Pushes the content of FILE, or a reference to URL, to the application EVENT-APP-ID on the terminals of SIP-URI: all
terminals of a public user identity, one terminal of a GRUU. Several files are sent in one session, each with a receipt.

  --config FILE      configuration in JSON: "identity" and "server" are required
  --to URI           e.g. sip:bob@domain.test
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
  --ttl SECONDS      retries for this time: when the terminal registers again, after its Retry-After, or at intervals
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
  async run(words, io) {
    const order = readOrder(words);
    const way = readWay(words, order, io);
    const print = (receipt: Receipt) =>
      io.out(words.has('json') ? receiptJson(receipt) : receiptLine(receipt));
    try {
      const receipts =
        'config' in way ? await pushDirectly(way, order, io, print) : await pushVia(way, order, io, print);
      return Math.max(EXIT.ok, ...receipts.map(exitCode));
    } catch (error) {
      if (io.signal.aborted) {
        io.err(
          'config' in way
            ? 'ended before an answer: the push may have been delivered'
            : `ended before the result: if ${way.url} has accepted the push, it continues`,
        );
        return EXIT.tryAgain;
      }
      const later =
        error instanceof TransportError || (error instanceof RefusedRequestError && error.retryable);
      if ('url' in way && error instanceof RefusedRequestError && error.status === 401) {
        throw new UsageError(
          `invalid key for ${way.url}: expected "api.key" of the sender as --key, or as SIP_PUSH_KEY in the environment`,
          { cause: error },
        );
      }
      if ('url' in way && later) {
        io.err(printable(error.message));
        return EXIT.tryAgain;
      }
      throw error;
    }
  },
};

/** How to send: by an agent in this process, or by a running sender. */
type Way = { config: string; trace: string | undefined } | { url: string; key: string };

/** @throws UsageError */
function readWay(words: Words, { mode }: Order, io: Io): Way {
  const url = words.text('via');
  const config = words.text('config');
  const trace = words.text('trace');
  if (url === undefined) {
    if (words.text('key') !== undefined) io.err('--key has no effect without --via');
    if (words.text('id') !== undefined && (mode === 'pager' || mode === 'indirect')) {
      io.err(`--id has no effect in ${mode} mode: only session mode resumes`);
    }
    return { config: words.required('config', 'psa.json'), trace };
  }
  if (config !== undefined) {
    throw new UsageError(`unexpected --config "${config}": expected either --config or --via`);
  }
  if (trace !== undefined) {
    throw new UsageError('unexpected --trace with --via: expected --trace of "sip-push sender"');
  }
  return { url, key: keyOf(words) };
}

async function pushDirectly(
  { config, trace: traceFile }: { config: string; trace: string | undefined },
  order: Order,
  io: Io,
  onReceipt: (receipt: Receipt) => void,
): Promise<Receipt[]> {
  const settings = await loadSenderSettings(config);
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
  const sent = new SentFiles(io);
  try {
    progress.start();
    await sender.start();
    io.signal.throwIfAborted();
    const receipts = await push(sender, order, io, sent, (each) => {
      for (const receipt of each) onReceipt(receipt);
    });
    await untilFetched(sender, io);
    if (receipts.some((receipt) => exitCode(receipt) === EXIT.tryAgain)) sent.explainResume(order);
    return receipts;
  } catch (error) {
    sent.explainResume(order);
    throw error;
  } finally {
    progress.stop();
    await sender.stop();
    await trace?.close();
  }
}

function keyOf(words: Words): string {
  const key = words.text('key') ?? process.env.SIP_PUSH_KEY;
  if (key !== undefined && key !== '') return key;
  throw new UsageError('missing --key: expected the key of the sender, or SIP_PUSH_KEY in the environment');
}

/** @returns a receipt for each file and terminal. */
async function push(
  sender: PushSenderAgent,
  { to, app, iari, type, mode, report, id, ttl, source }: Order,
  { signal }: Io,
  sent: SentFiles,
  onReceipts: (receipts: readonly Receipt[]) => void,
): Promise<Receipt[]> {
  const request = { to, app, mode, report, id, iari, ttl };
  if ('url' in source) {
    return await sender.send({ ...request, content: { type, ...source } }, { signal, onReceipts });
  }
  const [first = ''] = source.files;
  if (mode === 'pager' || mode === 'indirect') {
    const content = await contentOf(type, first, mode);
    return await sender.send({ ...request, content }, { signal, onReceipts }).catch(tooLarge(first));
  }
  const files: PushFile[] = [];
  const reread = source.files.length > 1 ? 'session' : mode;
  for (const file of source.files) {
    const content = await contentOf(type, file, reread);
    const { mtime: modification } = await stat(file);
    files.push({ content, name: basename(file), date: { modification } });
  }
  return await sender.send({ ...request, files }, { signal, onReceipts, onProgress: sent.observe(files) });
}

function exitCode({ outcome, retryable }: Receipt): number {
  if (outcome === 'delivered') return EXIT.ok;
  return retryable ? EXIT.tryAgain : EXIT.refused;
}

/** Resolves when the terminals have fetched the referenced content, which this process serves. */
async function untilFetched(sender: PushSenderAgent, io: Io): Promise<void> {
  if ((await sender.unfetched()) === 0) return;
  io.err('waiting until the content is fetched, one hour at most (Ctrl-C ends)');
  await sender.settled(io.signal);
  if (io.signal.aborted) io.err('ended before the content was fetched: it is no longer available');
  else io.err('the content was fetched or has expired');
}

/** A regular file is read for each attempt. Other input, such as a pipe, can be read once and must fit a MESSAGE. */
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
    throw new LimitError(`${file} does not fit pager mode: ${error.message}`, { cause: error });
  };
}
