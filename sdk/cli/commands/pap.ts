/** `sip-push pap`: a Push Initiator, which uses a Push Proxy Gateway. */

import { randomUUID } from 'node:crypto';
import { platform } from '#platform';
import { type Content, storedContent } from '../../../core/content/content.js';
import { PROFILE_TYPE } from '../../../core/content/user-agent-profile.js';
import { defined } from '../../../core/defined.js';
import { TimeoutError, TransportError } from '../../../core/errors.js';
import { type PapResult, resultInWords } from '../../../core/pap/attributes.js';
import { PapClient, type PapCredentials, PapRefusedError } from '../../../core/pap/client.js';
import { isPapSuccess, PAP_CODE } from '../../../core/pap/status-code.js';
import type { TlsOptions } from '../../../core/platform/sockets.js';
import { printable } from '../../../core/text.js';
import { loadTls } from '../../config/tls.js';
import { VERSION } from '../../manifest/this-package.js';
import type { Arguments, Command } from '../command.js';
import {
  type Operation,
  readContent,
  readOperation,
  readPapVersion,
  readRecipients,
  readSubmission,
  readTimeout,
} from '../pap-arguments.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push pap submit  --ppg URL --to ADDRESS… --app ID --type MEDIA-TYPE [options] FILE
       sip-push pap replace --ppg URL --to ADDRESS… --app ID --type MEDIA-TYPE --replaces ID [options] FILE
       sip-push pap status  --ppg URL --id ID [--to ADDRESS…]
       sip-push pap cancel  --ppg URL --id ID [--to ADDRESS…]
       sip-push pap ccq     --ppg URL --to ADDRESS [--app ID]

A Push Initiator: submits a push to a Push Proxy Gateway by the Push Access Protocol (PAP), replaces it, asks for its
state, cancels it, or asks for the capabilities of a recipient.

  --ppg URL            URL of the gateway, e.g. https://ppg.example/pap
  --to ADDRESS         a phone number (+358401234567), a SIP or tel URI, or an address of PAP
                       (WAPPUSH=john%40oma.org/TYPE=USER@ppg.example); can be repeated. status and cancel: all
                       recipients of the push by default
  --gateway HOST       gateway in the addresses; the host of --ppg by default
  --id ID              id of the push; submit and replace create one by default, and print it

Options of submit and replace:
  --app ID             application, e.g. wml.ua, or x-oma-application:dpe.ua
  --type TYPE          media type of FILE, e.g. text/vnd.wap.si
  --header "N: V"      a header of the content; can be repeated
  --delivery METHOD    confirmed, preferconfirmed, unconfirmed, or notspecified (default)
  --priority P         high, medium (default), or low
  --network NAME       required network, e.g. GSM;  --bearer NAME  required bearer, e.g. SMS
  --before TIME        the push expires at this time, e.g. 2026-12-24T18:00:00Z
  --after TIME         the push is not delivered before this time
  --notify-to URL      URL to which the gateway sends the result for each recipient
  --source-reference T a text for your own use
  --progress-notes     asks for progress notes
  --capabilities FILE  assumed capabilities of the recipients (UAProf, application/rdf+xml)
  --replaces ID        replace: id of the push to replace
  --replace-method M   replace: all (default), or pending-only: not for recipients that have received it

Options of all:
  --username NAME      name for HTTP authentication (Basic or Digest); the password is --password, or
                       SIP_PUSH_PAP_PASSWORD in the environment
  --basic              sends the password without waiting for a challenge, as Kannel needs it
  --ca FILE, --cert FILE, --key FILE
                       authorities to trust, and a client certificate with its key, in PEM
  --pap-version V      1.0, 2.0, 2.1 (default) or 2.2
  --timeout SECONDS    60 by default
  --json               prints the answer as one JSON object on stdout

Exit code: 0 if the gateway accepted the request; 1 if it refused; 2 if the command is invalid; 75 if a retry can succeed.

Example
  sip-push pap submit --ppg http://127.0.0.1:8080/wappush --to +358401234567 --app wml.ua \\
    --type text/vnd.wap.si --id 1@initiator.example mail.si
  sip-push pap status --ppg http://127.0.0.1:8080/wappush --id 1@initiator.example`;

export const pap: Command = {
  name: 'pap',
  help: HELP,
  options: {
    ppg: { type: 'string' },
    to: { type: 'string', multiple: true },
    gateway: { type: 'string' },
    id: { type: 'string' },
    app: { type: 'string' },
    type: { type: 'string' },
    header: { type: 'string', multiple: true },
    delivery: { type: 'string' },
    priority: { type: 'string' },
    network: { type: 'string' },
    bearer: { type: 'string' },
    before: { type: 'string' },
    after: { type: 'string' },
    'notify-to': { type: 'string' },
    'source-reference': { type: 'string' },
    'progress-notes': { type: 'boolean' },
    capabilities: { type: 'string' },
    replaces: { type: 'string' },
    'replace-method': { type: 'string' },
    username: { type: 'string' },
    password: { type: 'string' },
    basic: { type: 'boolean' },
    ca: { type: 'string' },
    cert: { type: 'string' },
    key: { type: 'string' },
    'pap-version': { type: 'string' },
    timeout: { type: 'string' },
    json: { type: 'boolean' },
  },
  operands: true,
  async run(args, io) {
    const operation = readOperation(args);
    const url = readGateway(args);
    const client = new PapClient({
      url: url.href,
      credentials: readCredentials(args),
      tls: await readTls(args),
      version: readPapVersion(args),
      productName: `sip-push/${VERSION}`,
      timeout: readTimeout(args),
      signal: io.signal,
    });
    try {
      const { answer, lines, results } = await perform(
        operation,
        client,
        args,
        readRecipients(args, url.hostname),
      );
      if (args.has('json')) io.out(JSON.stringify(answer));
      else for (const line of lines) io.out(printable(line));
      return Math.max(EXIT.ok, ...results.map(({ code }) => exitCode(code)));
    } catch (error) {
      if (!isRetryable(error)) throw error;
      io.err(printable(`sip-push: ${(error as Error).message}`));
      return EXIT.temporaryFailure;
    }
  },
};

interface Outcome {
  /** The answer of the gateway, for `--json`. */
  answer: object;
  /** The answer in words. */
  lines: string[];
  results: readonly PapResult[];
}

async function perform(
  operation: Operation,
  client: PapClient,
  args: Arguments,
  recipients: readonly string[],
): Promise<Outcome> {
  switch (operation) {
    case 'submit':
    case 'replace':
      return await submit(client, args, recipients);
    case 'status': {
      const { results, ...answer } = await client.queryStatus({
        pushId: readId(args),
        addresses: recipients,
      });
      const lines = results.map(({ addresses, messageState, eventTime, ...result }) => {
        const since = eventTime ? ` since ${eventTime.toISOString()}` : '';
        return `${recipientsInWords(addresses)}: ${messageState ? `${messageState}${since}, ` : ''}${resultInWords(result)}`;
      });
      return { answer: { ...answer, results }, lines, results };
    }
    case 'cancel': {
      const { results, ...answer } = await client.cancel({ pushId: readId(args), addresses: recipients });
      const lines = results.map(
        (result) => `${recipientsInWords(result.addresses)}: ${resultInWords(result)}`,
      );
      return { answer: { ...answer, results }, lines, results };
    }
    case 'ccq':
      return await queryCapabilities(client, args, recipients);
  }
}

async function submit(client: PapClient, args: Arguments, recipients: readonly string[]): Promise<Outcome> {
  const message = readSubmission(args, recipients);
  const answer = await client.submit(message, await readContent(args), await readCapabilities(args));
  const notes = (answer.progressNotes ?? []).map(
    ({ stage, note }) => `  ${stage}${note === undefined ? '' : `: ${note}`}`,
  );
  const lines = [`${answer.pushId}: ${resultInWords(answer)}`, ...notes];
  return { answer, lines, results: [answer] };
}

async function queryCapabilities(
  client: PapClient,
  args: Arguments,
  [address, ...more]: readonly string[],
): Promise<Outcome> {
  if (address === undefined || more.length > 0)
    throw new UsageError('invalid --to: expected one address, e.g. --to +358401234567');
  const appId = args.text('app');
  const { profile, ...result } = await client.queryCapabilities({ address, appId, queryId: randomUUID() });
  const text = profile && new TextDecoder().decode(profile);
  const lines = [
    `${result.address ?? address}: ${resultInWords(result)}`,
    ...(text?.trimEnd().split('\n') ?? []),
  ];
  return { answer: { ...result, profile: text }, lines, results: [result] };
}

function recipientsInWords(addresses: readonly string[]): string {
  return addresses.length === 0 ? 'all recipients' : addresses.join(', ');
}

function readId(args: Arguments): string {
  return args.required('id', '1@initiator.example');
}

function readGateway(args: Arguments): URL {
  const text = args.required('ppg', 'https://ppg.example/pap');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.username === '') return url;
  throw new UsageError(
    `invalid --ppg "${text}": expected an http or https URL without a user, e.g. https://ppg.example/pap`,
  );
}

function readCredentials(args: Arguments): PapCredentials | undefined {
  const username = args.text('username');
  const password = args.text('password') ?? process.env.SIP_PUSH_PAP_PASSWORD;
  if (username === undefined) {
    if (args.text('password') !== undefined)
      throw new UsageError('missing --username: expected it with --password');
    return undefined;
  }
  if (password === undefined || password === '') {
    throw new UsageError(
      'missing --password: expected it with --username, or SIP_PUSH_PAP_PASSWORD in the environment',
    );
  }
  return { username, password, basic: args.has('basic') };
}

async function readTls(args: Arguments): Promise<TlsOptions | undefined> {
  const files = defined({ ca: args.text('ca'), cert: args.text('cert'), key: args.text('key') });
  if (Object.keys(files).length === 0) return undefined;
  if ((files.cert === undefined) !== (files.key === undefined)) {
    const [given, missing] = files.key === undefined ? ['cert', 'key'] : ['key', 'cert'];
    throw new UsageError(`missing --${missing}: expected it with --${given}`);
  }
  return await loadTls(files, 'command line', process.cwd(), 'tls');
}

async function readCapabilities(args: Arguments): Promise<Content | undefined> {
  const file = args.text('capabilities');
  if (file === undefined) return undefined;
  return storedContent({ type: PROFILE_TYPE, parameters: {} }, await platform.openFile(file));
}

function exitCode(code: number): number {
  if (isPapSuccess(code)) return EXIT.ok;
  return code === PAP_CODE.serviceUnavailable || code === PAP_CODE.internalServerError
    ? EXIT.temporaryFailure
    : EXIT.refused;
}

/** Whether the same command can succeed later. */
function isRetryable(error: unknown): boolean {
  if (error instanceof PapRefusedError) return error.status === 429 || error.status >= 500;
  return error instanceof TransportError || error instanceof TimeoutError;
}
