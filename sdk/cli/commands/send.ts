/** `sip-push send`: one push by a Push Sender Agent. */

import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { platform } from '#platform';
import { isEventAppId } from '../../../core/app/event-app-id.js';
import type { Content, MediaType } from '../../../core/content/content.js';
import { parseMediaType } from '../../../core/content/media-type.js';
import { memoryContent } from '../../../core/content/memory-content.js';
import { storedContent } from '../../../core/content/stored-content.js';
import { LimitError } from '../../../core/errors.js';
import { MAX_PAGER_REQUEST } from '../../../core/sender/pager.js';
import type { PushModeWish, Receipt } from '../../../core/sender/push-request.js';
import { PushSenderAgent } from '../../../core/sender/sender.js';
import type { PushFile } from '../../../core/sender/session/offered-file.js';
import { SipUri } from '../../../core/sip/uri.js';
import { type Command, EXIT, UsageError } from '../command.js';
import { readBytes } from '../config/load.js';
import { loadSenderSettings } from '../config/sender.js';
import { ConnectionProgress } from '../connection-progress.js';
import type { Io } from '../io.js';
import { receiptJson, receiptLine } from '../report.js';
import { TransferProgress } from '../transfer-progress.js';
import type { Words } from '../words.js';

const HELP = `Usage: sip-push send --config FILE --to SIP-URI --app EVENT-APP-ID --type MEDIA-TYPE [--mode MODE]
                     [--report] [--id ID] [--json] FILE… | --content-url URL

One push: the content of FILE, or what lies at URL, to the application EVENT-APP-ID on the terminals of SIP-URI
(a public user identity: all of them; a GRUU: one). Several files go in one session, each with a receipt.

  --config FILE      configuration, JSON: "identity" and "server" are required
  --to URI           e.g. sip:bob@domain.test
  --app ID           e.g. mms.ua
  --type TYPE        e.g. application/vnd.wap.mms-message
  --mode MODE        pager: in a SIP MESSAGE of at most ${MAX_PAGER_REQUEST} bytes as a whole, and by reference what
                     is larger; session: over MSRP, of any size; indirect: by reference; auto (default): in a
                     MESSAGE what fits one, else in a session, or by reference where the receiver knows none
  --report           in a session: delivered only when the receiver has reported it
  --id ID            in a session: names the push. The same one again goes on where it broke off; this command
                     does so by itself for about a minute, and says the ID where it gives up
  --content-url URL  refers to content that lies elsewhere
  --json             the receipt as one JSON object on stdout

What is referred to is served by this command itself (see "publish"): it stays until the content was fetched, an
hour at most.

Ends with 0 when delivered, 1 when refused for good, 75 when it failed but may be tried again, 2 when the
command or the configuration is wrong. Waits at most 32 seconds for a connection, and as long for an answer.

Example
  sip-push send --config psa.json --to sip:bob@domain.test --app mms.ua \\
    --type application/vnd.wap.mms-message notification.mms

  psa.json: { "identity": "sip:psa@domain.test", "server": "sip:127.0.0.1:5060;transport=tcp",
              "username": "psa", "password": "secret",
              "publish": { "host": "192.0.2.1", "port": 8080 } }`;

const MODES = ['auto', 'pager', 'session', 'indirect'] as const;

export const send: Command = {
  name: 'send',
  summary: 'one push by a Push Sender Agent',
  help: HELP,
  options: {
    config: { type: 'string' },
    to: { type: 'string' },
    app: { type: 'string' },
    type: { type: 'string' },
    mode: { type: 'string' },
    report: { type: 'boolean' },
    id: { type: 'string' },
    'content-url': { type: 'string' },
    json: { type: 'boolean' },
  },
  operands: true,
  async run(words, io) {
    const order = read(words);
    const settings = await loadSenderSettings(words.required('config', 'psa.json'));
    const progress = new ConnectionProgress(settings.servers, io.err);
    const sender = new PushSenderAgent({ ...settings, ...progress.handlers });
    try {
      await sender.start();
      io.signal.throwIfAborted();
      const receipts = await push(sender, order, io);
      for (const receipt of receipts) io.out(words.has('json') ? receiptJson(receipt) : receiptLine(receipt));
      await fetched(sender, io);
      const code = Math.max(...receipts.map(exitCode));
      if (code === EXIT.tryAgain && receipts.some(({ mode }) => mode === 'session')) {
        io.err(`to go on where it broke off: the same command with --id ${order.id}`);
      }
      return code;
    } catch (error) {
      if (io.signal.aborted) {
        io.err('ended before an answer came: whether the push was delivered is not known');
        return EXIT.tryAgain;
      }
      throw error;
    } finally {
      progress.stop();
      await sender.stop();
    }
  },
};

/** What somebody wants pushed. */
interface Order {
  to: string;
  app: string;
  type: MediaType;
  mode: PushModeWish;
  report: boolean;
  id: string;
  source: { files: readonly string[] } | { url: string };
}

/** @returns a receipt for each file and terminal. */
async function push(sender: PushSenderAgent, order: Order, io: Io): Promise<Receipt[]> {
  const { to, app, type, mode, report, id, source } = order;
  const { signal } = io;
  if ('url' in source) return await sender.send({ to, app, content: { type, ...source }, mode }, { signal });
  const [first = ''] = source.files;
  if (mode === 'pager' || mode === 'indirect') {
    const content = await contentOf(type, first, mode);
    return await sender.send({ to, app, content, mode }, { signal }).catch(tooLarge(first));
  }
  const files: PushFile[] = [];
  const reread = source.files.length > 1 ? 'session' : mode;
  for (const file of source.files) {
    const content = await contentOf(type, file, reread);
    const { mtime: modification } = await stat(file);
    files.push({ content, name: basename(file), date: { modification } });
  }
  const shown = files.map(({ name = '' }) => new TransferProgress(io, name));
  return await sender.send(
    { to, app, files, report, id, mode },
    { signal, onProgress: ({ index, have, size }) => shown[index]?.update(have, size) },
  );
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
async function contentOf(type: MediaType, file: string, mode: PushModeWish): Promise<Content> {
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
    throw new LimitError(`${file} does not fit pager mode (8.1.2-03): ${error.message}`, { cause: error });
  };
}

function read(words: Words): Order {
  const to = words.required('to', 'sip:bob@domain.test');
  if (!SipUri.parse(to)) throw new UsageError(`--to ${to} is no SIP URI; expected e.g. sip:bob@domain.test`);
  const app = words.required('app', 'mms.ua');
  if (!isEventAppId(app)) throw new UsageError(`--app ${app} is no event-app-id; expected e.g. mms.ua`);
  const typeText = words.required('type', 'application/vnd.wap.mms-message');
  const type = parseMediaType(typeText);
  if (!type) throw new UsageError(`--type ${typeText} is no media type; expected e.g. text/vnd.wap.si`);
  const modeText = words.text('mode') ?? 'auto';
  const mode = MODES.find((known) => known === modeText);
  if (!mode) throw new UsageError(`--mode ${modeText} is not known; expected ${MODES.join(', ')}`);
  const source = readSource(words);
  if (mode === 'pager' && 'files' in source && source.files.length > 1) {
    throw new UsageError(`pager mode carries one FILE; ${source.files[1]} is one too many`);
  }
  if (mode === 'indirect' && 'files' in source && source.files.length > 1) {
    throw new UsageError(`a reference is to one FILE; ${source.files[1]} is one too many`);
  }
  if (mode === 'session' && 'url' in source) {
    throw new UsageError('--content-url refers to content; session mode carries it');
  }
  return {
    to,
    app,
    type,
    mode,
    report: words.has('report'),
    id: words.text('id') ?? platform.randomHex(8),
    source,
  };
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
