/** `sip-push send`: one push by a Push Sender Agent. */

import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
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

One push: the content of FILE, or what lies at URL, to the application EVENT-APP-ID on the terminals of SIP-URI
(a public user identity: all of them; a GRUU: one). Several files go in one session, each with a receipt.

  --config FILE      configuration, JSON: "identity" and "server" are required
  --to URI           e.g. sip:bob@domain.test
  --app ID           e.g. mms.ua
  --iari URN         which instance of the application, where a terminal has several (TS appendix D); it chooses no
                     terminals, one without that instance is sent the push all the same:
                     e.g. urn:urn-7:3gpp-application.ims.iari.example
  --type TYPE        e.g. application/vnd.wap.mms-message
  --mode MODE        pager: in a SIP MESSAGE of at most ${MAX_PAGER_REQUEST} bytes as a whole, and by reference what
                     is larger; session: over MSRP, of any size; indirect: by reference; auto (default): in a
                     MESSAGE what fits one, else in a session, or by reference where the receiver knows none
  --report           in a session: delivered only when the receiver has reported it
  --id ID            in a session: names the push. The same one again goes on where it broke off; this command
                     does so by itself for about a minute, and says the ID where it gives up
  --content-url URL  refers to content that lies elsewhere
  --ttl SECONDS      tries again for so long: when the terminal comes back, when it said to, or after a while
  --via URL          hands it to a sender that stays up (sip-push sender), whose key is given by --key KEY or by
                     SIP_PUSH_KEY in the environment; no --config then
  --json             each receipt as one JSON object on stdout
  --trace FILE       what is on the wire, for "sip-push trace FILE"; not with --via

What is referred to is served by this command itself (see "publish"): it stays until the content was fetched, an
hour at most.

Ends with 0 when delivered, 1 when refused for good or cancelled, 75 when it failed but may be tried again or was ended
(SIGINT or SIGTERM) before it was known, 2 when the command or the configuration is wrong. Waits at most 32 seconds
for a connection, and as long for an answer.

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
            ? 'ended before an answer came: whether the push was delivered is not known'
            : `ended before the push did: once ${way.url} has taken it, it goes on with it`,
        );
        return EXIT.tryAgain;
      }
      const later =
        error instanceof TransportError || (error instanceof RefusedRequestError && error.retryable);
      if ('url' in way && error instanceof RefusedRequestError && error.status === 401) {
        throw new UsageError(
          `${way.url} does not take this key; expected the "api.key" of the sender as --key, or as SIP_PUSH_KEY in the environment`,
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

/** By an agent of its own, or by a sender that stays up. */
type Way = { config: string; trace: string | undefined } | { url: string; key: string };

/** @throws UsageError */
function readWay(words: Words, { mode }: Order, io: Io): Way {
  const url = words.text('via');
  const config = words.text('config');
  const trace = words.text('trace');
  if (url === undefined) {
    if (words.text('key') !== undefined) io.err('--key has no effect without --via');
    if (words.text('id') !== undefined && (mode === 'pager' || mode === 'indirect')) {
      io.err(`--id has no effect in ${mode} mode: there is nothing to go on with`);
    }
    return { config: words.required('config', 'psa.json'), trace };
  }
  if (config !== undefined) {
    throw new UsageError(
      `--via hands the push to a sender that has its own configuration; --config ${config} is one too many`,
    );
  }
  if (trace !== undefined) {
    throw new UsageError('--via has the sender send it: it is the sender that can have a --trace');
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
    await fetched(sender, io);
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
  throw new UsageError(
    '--key is missing; expected the key of the sender, or SIP_PUSH_KEY in the environment',
  );
}

/** @returns a receipt for each file and terminal. */
async function push(
  sender: PushSenderAgent,
  { to, app, iari, type, mode, report, id, ttl, source }: Order,
  { signal }: Io,
  sent: SentFiles,
  onReceipts: (receipts: readonly Receipt[]) => void,
): Promise<Receipt[]> {
  const request = {
    ...{ to, app, mode, report, id },
    ...(iari === undefined ? {} : { iari }),
    ...(ttl === undefined ? {} : { ttl }),
  };
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

/** Until the terminals that were told have come for what is kept here: nobody else keeps it. */
async function fetched(sender: PushSenderAgent, io: Io): Promise<void> {
  if ((await sender.unfetched()) === 0) return;
  io.err('the content has not been fetched yet; it is kept until then, an hour at most (Ctrl-C ends)');
  await sender.settled(io.signal);
  if (io.signal.aborted) io.err('ended before the content was fetched: it can be no longer');
  else io.err('the content is no longer kept: it was fetched, or its time is over');
}

/** A file is read when somebody wants it, more than once; what comes by a pipe has to fit a MESSAGE. */
async function contentOf(type: MediaType, file: string, mode: PushModeChoice): Promise<Content> {
  const regular = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
  if (regular) return storedContent(type, await platform.openFile(file));
  if (mode === 'session')
    throw new UsageError(`${file} is no file; session mode reads its files more than once`);
  // Content larger than the largest request is refused without reading it to its end.
  return memoryContent(type, await readBytes(file, MAX_PAGER_REQUEST).catch(tooLarge(file)));
}

function tooLarge(file: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof LimitError)) throw error;
    throw new LimitError(`${file} does not fit pager mode: ${error.message}`, { cause: error });
  };
}
