/** `sip-push send`: one push by a Push Sender Agent. */

import { stat } from 'node:fs/promises';
import { platform } from '#platform';
import { isEventAppId } from '../../../core/app/event-app-id.js';
import type { Content, MediaType } from '../../../core/content/content.js';
import { parseMediaType } from '../../../core/content/media-type.js';
import { memoryContent } from '../../../core/content/memory-content.js';
import { storedContent } from '../../../core/content/stored-content.js';
import { LimitError } from '../../../core/errors.js';
import { MAX_PAGER_REQUEST } from '../../../core/sender/pager.js';
import type { Receipt } from '../../../core/sender/push-request.js';
import { PushSenderAgent } from '../../../core/sender/sender.js';
import { SipUri } from '../../../core/sip/uri.js';
import { type Command, EXIT, UsageError } from '../command.js';
import { readBytes } from '../config/load.js';
import { loadSenderSettings } from '../config/sender.js';
import { ConnectionProgress } from '../connection-progress.js';
import type { Io } from '../io.js';
import { receiptJson, receiptLine } from '../report.js';
import type { Words } from '../words.js';

const HELP = `Usage: sip-push send --config FILE --to SIP-URI --app EVENT-APP-ID --type MEDIA-TYPE [--mode MODE]
                     [--json] FILE | --content-url URL

One push: the content of FILE, or what lies at URL, to the application EVENT-APP-ID on the terminals of SIP-URI
(a public user identity: all of them; a GRUU: one).

  --config FILE      configuration, JSON: "identity" and "server" are required
  --to URI           e.g. sip:bob@domain.test
  --app ID           e.g. mms.ua
  --type TYPE        e.g. application/vnd.wap.mms-message
  --mode MODE        auto (default), pager: in a SIP MESSAGE of at most ${MAX_PAGER_REQUEST} bytes as a whole, and
                     by reference what is larger; indirect: by reference
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

const MODES = ['auto', 'pager', 'indirect'] as const;

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
    'content-url': { type: 'string' },
    json: { type: 'boolean' },
  },
  operands: true,
  async run(words, io) {
    const { to, app, type, mode, source } = read(words);
    const settings = await loadSenderSettings(words.required('config', 'psa.json'), io.err);
    const content = 'url' in source ? { type, ...source } : await contentOf(type, source.file);
    const progress = new ConnectionProgress(settings.servers, io.err);
    const sender = new PushSenderAgent({ ...settings, ...progress.handlers });
    try {
      await sender.start();
      io.signal.throwIfAborted();
      const receipt = await sender.send({ to, app, content, mode }, io.signal);
      io.out(words.has('json') ? receiptJson(receipt) : receiptLine(receipt));
      await fetched(sender, io);
      return exitCode(receipt);
    } catch (error) {
      if (io.signal.aborted) {
        io.err('ended before an answer came: whether the push was delivered is not known');
        return EXIT.tryAgain;
      }
      throw error instanceof LimitError ? tooLarge('url' in source ? source.url : source.file, error) : error;
    } finally {
      progress.stop();
      await sender.stop();
    }
  },
};

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
async function contentOf(type: MediaType, file: string): Promise<Content> {
  const regular = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
  if (regular) return storedContent(type, await platform.openFile(file));
  return memoryContent(type, await pagerContent(file));
}

/** Content larger than the largest request is refused without reading it to its end. */
async function pagerContent(file: string): Promise<Uint8Array> {
  try {
    return await readBytes(file, MAX_PAGER_REQUEST);
  } catch (error) {
    throw error instanceof LimitError ? tooLarge(file, error) : error;
  }
}

function tooLarge(file: string, cause: LimitError): LimitError {
  return new LimitError(`${file} does not fit pager mode (8.1.2-03): ${cause.message}`, { cause });
}

function read(words: Words) {
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
  return { to, app, type, mode, source: readSource(words) };
}

function readSource(words: Words): { file: string } | { url: string } {
  const url = words.text('content-url');
  const [file, another] = words.operands;
  if (url !== undefined) {
    if (file !== undefined)
      throw new UsageError(`--content-url says where the content is; ${file} is one too many`);
    if (!URL.canParse(url))
      throw new UsageError(`--content-url ${url} is no URL; expected e.g. https://example.com/a`);
    return { url };
  }
  if (file === undefined) throw new UsageError('FILE is missing; expected the file whose content is pushed');
  if (another !== undefined) throw new UsageError(`pager mode carries one FILE; ${another} is one too many`);
  return { file };
}
