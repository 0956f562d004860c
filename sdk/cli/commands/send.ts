/** `sip-push send`: one push by a Push Sender Agent. */

import { isEventAppId } from '../../../core/app/event-app-id.js';
import { parseMediaType } from '../../../core/content/media-type.js';
import { memoryContent } from '../../../core/content/memory-content.js';
import { LimitError } from '../../../core/errors.js';
import type { Receipt } from '../../../core/sender/push-request.js';
import { PushSenderAgent } from '../../../core/sender/sender.js';
import { SipUri } from '../../../core/sip/uri.js';
import { type Command, EXIT, required, UsageError, type Values } from '../command.js';
import { readBytes } from '../config/load.js';
import { loadSenderSettings } from '../config/sender.js';
import { receiptLine } from '../report.js';

const HELP = `Usage: sip-push send --config FILE --to SIP-URI --app EVENT-APP-ID --type MEDIA-TYPE [--mode MODE] [--json] FILE

One push: the content of FILE, to the application EVENT-APP-ID on the terminals of SIP-URI (a public user
identity: all of them; a GRUU: one).

  --config FILE   configuration, JSON: "identity" and "server" are required
  --to URI        e.g. sip:bob@domain.test
  --app ID        e.g. mms.ua
  --type TYPE     e.g. application/vnd.wap.mms-message
  --mode MODE     auto (default) or pager: a SIP MESSAGE of at most 1300 bytes as a whole
  --json          the receipt as one JSON object on stdout

Ends with 0 when delivered, 1 when refused for good, 75 when it failed but may be tried again, 2 when the
command or the configuration is wrong.

Example
  sip-push send --config psa.json --to sip:bob@domain.test --app mms.ua \\
    --type application/vnd.wap.mms-message notification.mms

  psa.json: { "identity": "sip:psa@domain.test", "server": "sip:127.0.0.1:5060;transport=tcp",
              "username": "psa", "password": "secret" }`;

const MODES = ['auto', 'pager'] as const;

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
    json: { type: 'boolean' },
  },
  async run(values, files, io) {
    const { to, app, type, mode, file } = words(values, files);
    const settings = await loadSenderSettings(required(values, 'config', 'psa.json'), io.err);
    const content = memoryContent(type, await readBytes(file));
    const sender = new PushSenderAgent({
      ...settings,
      onRegistrationFailed: ({ status, reason }) => io.err(`not registered: ${status ?? ''} ${reason}`),
    });
    try {
      await sender.start();
      const receipt = await sender.send({ to, app, content, mode }, io.signal);
      io.out(values.json ? JSON.stringify({ event: 'receipt', ...receipt }) : receiptLine(receipt));
      return exitCode(receipt);
    } catch (error) {
      if (error instanceof LimitError) {
        throw new LimitError(`${file} does not fit pager mode: ${error.message} (8.1.2-03)`, {
          cause: error,
        });
      }
      if (io.signal.aborted) return EXIT.tryAgain;
      throw error;
    } finally {
      await sender.stop();
    }
  },
};

function exitCode({ outcome, retryable }: Receipt): number {
  if (outcome === 'delivered') return EXIT.ok;
  return retryable ? EXIT.tryAgain : EXIT.refused;
}

function words(values: Values, files: string[]) {
  const to = required(values, 'to', 'sip:bob@domain.test');
  if (!SipUri.parse(to)) throw new UsageError(`--to ${to} is no SIP URI; expected e.g. sip:bob@domain.test`);
  const app = required(values, 'app', 'mms.ua');
  if (!isEventAppId(app)) throw new UsageError(`--app ${app} is no event-app-id; expected e.g. mms.ua`);
  const typeText = required(values, 'type', 'application/vnd.wap.mms-message');
  const type = parseMediaType(typeText);
  if (!type) throw new UsageError(`--type ${typeText} is no media type; expected e.g. text/vnd.wap.si`);
  const mode = MODES.find((known) => known === (values.mode ?? 'auto'));
  if (!mode) throw new UsageError(`--mode ${values.mode} is not known; expected ${MODES.join(' or ')}`);
  const [file, another] = files;
  if (file === undefined) throw new UsageError('FILE is missing; expected the file whose content is pushed');
  if (another !== undefined) throw new UsageError(`pager mode carries one FILE; ${another} is one too many`);
  return { to, app, type, mode, file };
}
