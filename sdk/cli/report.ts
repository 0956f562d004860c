/** Formats events, receipts and log records for people, and as JSON. */

import type { WaitingPushes } from '../../core/app/runtime.js';
import { defined } from '../../core/defined.js';
import type { HostEvent } from '../../core/host.js';
import type { LogRecord } from '../../core/log.js';
import type { Receipt } from '../../core/sender/push-request.js';
import { SipUri } from '../../core/sip/values/uri.js';
import { printable } from '../../core/text.js';
import type { NetworkEvent } from '../network/index.js';
import { bytes } from './byte-count.js';
import type { Answer } from './host-console.js';
import type { IoStreams } from './io-streams.js';
import { ReceivingProgress } from './progress.js';

type Receiving = Extract<HostEvent, { event: 'receiving' }>;

/**
 * Prints the events of a host. With `json`, connection events go to stderr as text, and all others to
 * stdout. The progress of transfers is shown only at a terminal.
 */
export function hostPrinter(io: IoStreams, json: boolean, indent = ''): (event: HostEvent) => void {
  const progress = new ReceivingProgress(io);
  return (event) => {
    if (event.event === 'receiving') return progress.update(event);
    if (event.event === 'push' || event.event === 'broken-off') progress.ended(event.id);
    const connection = event.event === 'connected' || event.event === 'disconnected';
    if (json && !connection) io.out(JSON.stringify(event));
    else for (const line of hostLines(event)) (json ? io.err : io.out)(`${indent}${printable(line)}`);
  };
}

/** Prints the answers of the console of a host. */
export function answerPrinter(io: IoStreams, json: boolean): (answer: Answer) => void {
  return (answer) => {
    if (json) return io.out(JSON.stringify(answer));
    for (const text of answerLines(answer)) io.out(printable(`answer        ${text}`));
  };
}

function answerLines(answer: Answer): string[] {
  if ('error' in answer) return [`error: ${answer.error}`];
  const { line, answer: value } = answer;
  return line === 'help' && Array.isArray(value) ? value.map(String) : [JSON.stringify(value)];
}

function hostLines(event: Exclude<HostEvent, Receiving>): string[] {
  switch (event.event) {
    case 'registered':
      return [
        `registered    ${event.identity} for ${event.expires} s with ${event.apps.join(', ') || 'no application'}`,
        ...(event.publicGruu ? [`              public GRUU ${event.publicGruu}`] : []),
      ];
    case 'registration-failed':
      return [
        `registration  failed: ${event.status ?? 'no answer'} ${event.reason}${credentials(event)}${retry(event)}`,
      ];
    case 'negotiated':
      return [
        `negotiated    ${event.sender} pushes for ${event.apps.join(', ') || 'no application'} by ${event.methods.join(', ')}`,
      ];
    case 'negotiation-failed':
      return [
        `negotiation   failed with ${event.sender}: ${event.status ?? 'no answer'} ${event.reason}${retry(event)}`,
      ];
    case 'push':
      return [pushLine(event)];
    case 'broken-off':
      return [interruptedLine(event)];
    case 'refused':
      return [
        `refused       ${event.status} to ${event.method}${addressed(event)} from ${event.from || 'an unknown sender'}: ${event.reason}`,
      ];
    case 'app':
      return appLines(event);
    case 'connected':
      return [`connected     ${event.server}`];
    case 'disconnected':
      return [`disconnected  ${event.server}: ${event.reason}`];
    case 'forgotten':
      return [
        `forgotten     ${event.pushes} finished pushes after ${event.seconds} s: their disk quota (finishedBytes) is used up`,
      ];
    case 'retry':
      return [
        `retry         ${event.app}: push ${event.id} in ${event.nextInSeconds} s, after delivery ${event.attempt}: ${event.reason}`,
      ];
    case 'dead-letter':
      return [
        `dead letter   ${event.app}: push ${event.id} after ${event.attempts} deliveries: ${event.reason}`,
      ];
    case 'full':
      return [`full          new pushes of ${event.app} are refused: ${event.reason}`];
    case 'damaged':
      return [`damaged       ${event.folder}: ${event.reason}`];
    case 'stopped':
      return [`stopped       ${event.reason}`];
  }
}

/** One line with the application's fields, then one line for each item of a list, such as the parts of a message. */
function appLines(event: Extract<HostEvent, { event: 'app' }>): string[] {
  const { app, kind, id, eventId, event: _, ...fields } = event;
  // Otherwise `id` is the host's, which programs use.
  const entries = Object.entries(defined(eventId === undefined ? fields : { id, ...fields }));
  const lists = entries.filter((entry): entry is [string, object[]] => isListOfObjects(entry[1]));
  const others = entries.filter(([, value]) => !isListOfObjects(value));
  return [
    // Separated by a space even if the id fills its column.
    `${app.padEnd(13)} ${kind} ${others.map(field).join(', ')}`.trimEnd(),
    ...lists.flatMap(([name, items]) =>
      items.map(
        (item, index) =>
          `              ${name} ${index + 1} of ${items.length}: ${Object.entries(defined(item)).map(field).join(', ')}`,
      ),
    ),
  ];
}

function isListOfObjects(value: unknown): value is object[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'object' && item);
}

function pushLine(event: Extract<HostEvent, { event: 'push' }>): string {
  const { outcome, status, app, from, contentType, size, sha256, fileName, reason } = event;
  const what = fileName === undefined ? contentType : `${fileName}, ${contentType}`;
  // Content that was not read completely has no digest.
  const digest = sha256 === '' ? '' : `, sha256 ${sha256.slice(0, 12)}…`;
  const why = reason === undefined ? '' : `: ${reason}`;
  return `push          ${outcome} (${status}) ${app} from ${from}: ${what}, ${bytes(size)}${digest}${why}`;
}

function interruptedLine(event: Extract<HostEvent, { event: 'broken-off' }>): string {
  const { app, from, contentType, fileName, size, received, resumable, reason } = event;
  const what = fileName === undefined ? contentType : `${fileName}, ${contentType}`;
  const all = size === undefined ? '' : ` of ${bytes(size)}`;
  const kept = resumable ? ', kept for a resumed transfer' : '';
  return `interrupted   ${app} from ${from}: ${what}, ${bytes(received)}${all} received${kept}: ${reason}`;
}

function addressed({ apps }: { apps?: readonly string[] }): string {
  return apps === undefined ? '' : ` for ${apps.join(', ')}`;
}

/** A final 401 or 407 means that the core rejected the credentials. */
function credentials({ status }: { status?: number }): string {
  return status === 401 || status === 407 ? ': the core rejected the user name or password' : '';
}

function retry({ retryInSeconds }: { retryInSeconds?: number }): string {
  return retryInSeconds === undefined ? '' : `; retry in ${retryInSeconds} s`;
}

function field([name, value]: [string, unknown]): string {
  return `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`;
}

export function receiptLine(receipt: Receipt): string {
  const status = receipt.status === undefined ? '' : ` (${receipt.status})`;
  const retryable = receipt.retryable
    ? `; retryable${receipt.retryAfter === undefined ? '' : ` after ${receipt.retryAfter} s`}`
    : '';
  const { outcome, to, fileName, reason, mode, milliseconds } = receipt;
  const what = fileName === undefined ? '' : `${fileName} to `;
  const how = mode === 'indirect' ? byReference(receipt) : `${mode} mode, ${bytes(receipt.bytes)}`;
  const where = `${what}${to}${terminalText(receipt)}`;
  return printable(
    `${outcome}${status} ${where}: ${reason}, ${how} in ${milliseconds} ms${retryable}${explanation(receipt)}${hint(receipt)}`,
  );
}

/** The core answers 480 without a terminal for the push. A terminal that is busy sends a Retry-After. */
function hint({ status, retryAfter }: Receipt): string {
  if (status !== 480 || retryAfter !== undefined) return '';
  return '; probably no registered terminal has the application: its host has to run with the application in "apps", which its line "registered" lists, or the push has to wait for it (ttl)';
}

/** Why the mode or the terminal was chosen; omitted for a MESSAGE that one terminal accepted. */
function explanation({ outcome, mode, terminal, why }: Receipt): string {
  const obvious = outcome === 'delivered' && mode === 'pager' && terminal !== undefined;
  return obvious || why === undefined ? '' : ` (${why})`;
}

/** Names the terminal: by the instance in a public GRUU, else by the whole GRUU. */
function terminalText({ to, terminal }: Receipt): string {
  if (terminal === undefined || terminal === to) return '';
  const instance = SipUri.parse(terminal)
    ?.parameters.get('gr')
    ?.replace(/^urn:uuid:/i, '');
  return ` at ${instance || terminal}`;
}

/** In indirect mode only the reference is delivered. The receiver retrieves the content later. */
function byReference({ outcome, bytes: size }: Receipt): string {
  const reference = size > 0 ? `reference to ${bytes(size)}` : 'reference';
  return outcome === 'delivered' ? `the ${reference} was delivered` : `by ${reference}`;
}

export function receiptJson({ bytes, milliseconds, reported = false, ...receipt }: Receipt): string {
  return JSON.stringify({ event: 'receipt', ...receipt, reported, bytes, milliseconds });
}

/** Prints the log records of the runtime and its applications. */
export function logPrinter(io: Pick<IoStreams, 'err'>): (record: LogRecord) => void {
  return (record) => {
    for (const line of logLines(record)) io.err(line);
  };
}

/** Warnings about pushes whose application is not loaded. */
export function waitingRecords(waiting: readonly WaitingPushes[]): LogRecord[] {
  return waiting.map(({ app, iari, count, since }) => {
    const pushes = count === 1 ? 'one push waits' : `${count} pushes wait`;
    const why = `it is not loaded: add it to "apps"${iari === undefined ? '' : `, with the IARI ${iari}`}`;
    const message = `${pushes} for it since ${since.toISOString()}, but ${why}; until then they remain in "data"`;
    return { level: 'warn', app, message };
  });
}

/** Prefixes each line, for example of a stack trace, with the level and the application. */
function logLines({ level, app, message }: LogRecord): string[] {
  const prefix = `${level.padEnd(6)}${app ? `${app}: ` : ''}`;
  return message.split('\n').map((line) => printable(`${prefix}${line}`));
}

export function networkLine(event: NetworkEvent): string {
  return printable(networkText(event));
}

function networkText(event: NetworkEvent): string {
  const time = new Date(event.time).toISOString().slice(11, 23);
  switch (event.event) {
    case 'message': {
      const what = event.method
        ? `${event.method} ${event.uri}`
        : `${event.status} ${event.reason} (${event.cseq})`;
      const users = event.users.length > 0 ? ` [${event.users.join(', ')}]` : '';
      return `${time} ${event.transport.padEnd(3)} ${event.from} → ${event.to}${users}  ${what}, ${bytes(event.bytes)}`;
    }
    case 'registered':
      return `${time} registered    ${event.identity} at ${event.address} for ${event.expires} s`;
    case 'deregistered':
      return `${time} deregistered  ${event.identity}: ${event.reason}`;
  }
}
