/** The arguments of `sip-push pap`. */

import { platform } from '#platform';
import { isEventAppId } from '../../core/app/contract/event-app-id.js';
import { type MediaType, storedContent } from '../../core/content/content.js';
import type { HeaderList } from '../../core/content/http-headers.js';
import { isDate } from '../../core/content/markup.js';
import { isToken, parseMediaType } from '../../core/content/media-type.js';
import type { ContentPart } from '../../core/content/multipart/part.js';
import { MalformedError } from '../../core/errors.js';
import { formatClientAddress, parseClientAddress } from '../../core/pap/client-address.js';
import { DELIVERY_METHODS, PRIORITIES, type QualityOfService } from '../../core/pap/quality-of-service.js';
import { type PushMessage, REPLACE_METHODS } from '../../core/pap/submission.js';
import { PAP_VERSIONS, type PapVersion } from '../../core/pap/version.js';
import type { Arguments } from './command.js';
import { UsageError } from './usage.js';

export const OPERATIONS = ['submit', 'replace', 'status', 'cancel', 'ccq'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Options of each operation, in addition to those that all have. */
const OWN_OPTIONS: Readonly<Record<Operation, readonly string[]>> = {
  submit: submissionOptions(),
  replace: [...submissionOptions(), 'replaces', 'replace-method'],
  status: ['to', 'gateway', 'id'],
  cancel: ['to', 'gateway', 'id'],
  ccq: ['to', 'gateway', 'app'],
};

function submissionOptions(): string[] {
  return [
    'to',
    'gateway',
    'id',
    'app',
    'type',
    'header',
    'delivery',
    'priority',
    'network',
    'bearer',
    'before',
    'after',
    'notify-to',
    'source-reference',
    'progress-notes',
    'capabilities',
  ];
}

const COMMON = [
  'ppg',
  'username',
  'password',
  'basic',
  'ca',
  'cert',
  'key',
  'pap-version',
  'timeout',
  'json',
];

/** @throws UsageError for an unknown operation, or an option that it does not have. */
export function readOperation(args: Arguments): Operation {
  const [name] = args.operands;
  const operation = OPERATIONS.find((candidate) => candidate === name);
  const list = OPERATIONS.join(', ');
  if (!operation) {
    throw new UsageError(
      name === undefined
        ? `missing operation: expected ${list}`
        : `unknown operation "${name}": expected ${list}`,
    );
  }
  const allowed = [...COMMON, ...OWN_OPTIONS[operation]];
  const all = new Set([...COMMON, ...Object.values(OWN_OPTIONS).flat()]);
  for (const option of all) {
    if (args.given(option) && !allowed.includes(option))
      throw new UsageError(`unexpected --${option}: "pap ${operation}" does not have it`);
  }
  return operation;
}

/**
 * The recipients. A phone number and a URI are short for their addresses.
 * @throws UsageError
 */
export function readRecipients(args: Arguments, host: string): string[] {
  const gateway = args.text('gateway') ?? host;
  return args.list('to').map((to) => {
    try {
      return addressOf(to, gateway);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      throw new UsageError(
        `invalid --to "${to}": expected +358401, sip:bob@domain.test, or WAPPUSH=…/TYPE=…@gateway (${error.message})`,
        { cause: error },
      );
    }
  });
}

function addressOf(to: string, gateway: string): string {
  if (/^\+\d[\d.-]*$/.test(to)) return formatClientAddress({ type: 'PLMN', identifier: to, gateway });
  if (/^(?:sips?|tel):./i.test(to)) return formatClientAddress({ type: 'URI', identifier: to, gateway });
  // As it is written: gateways differ in what they accept.
  parseClientAddress(to);
  return to;
}

/** @throws UsageError */
export function readPapVersion(args: Arguments): PapVersion | undefined {
  return among(args, 'pap-version', PAP_VERSIONS);
}

function among<Value extends string>(
  args: Arguments,
  name: string,
  values: readonly Value[],
): Value | undefined {
  const text = args.text(name);
  if (text === undefined) return undefined;
  const value = values.find((candidate) => candidate === text);
  if (value === undefined) throw new UsageError(`invalid --${name} "${text}": expected ${values.join(', ')}`);
  return value;
}

/** @throws UsageError */
export function readSubmission(args: Arguments, recipients: readonly string[]): Omit<PushMessage, 'kind'> {
  if (recipients.length === 0) throw new UsageError('missing --to: expected e.g. --to +358401234567');
  return {
    pushId: args.text('id') ?? `${platform.randomHex(8)}@sip-push.invalid`,
    addresses: recipients,
    qualityOfService: readQuality(args),
    deliverBefore: readDate(args, 'before'),
    deliverAfter: readDate(args, 'after'),
    notifyTo: readUrl(args, 'notify-to'),
    sourceReference: args.text('source-reference'),
    progressNotesRequested: args.has('progress-notes'),
    replacePushId:
      args.operands[0] === 'replace' ? args.required('replaces', '1@initiator.example') : undefined,
    replaceMethod: among(args, 'replace-method', REPLACE_METHODS),
  };
}

function readQuality(args: Arguments): QualityOfService | undefined {
  const deliveryMethod = among(args, 'delivery', DELIVERY_METHODS);
  const priority = among(args, 'priority', PRIORITIES);
  const network = args.text('network');
  const bearer = args.text('bearer');
  if ([deliveryMethod, priority, network, bearer].every((value) => value === undefined)) return undefined;
  return {
    priority: priority ?? 'medium',
    deliveryMethod: deliveryMethod ?? 'notspecified',
    network,
    networkRequired: network !== undefined,
    bearer,
    bearerRequired: bearer !== undefined,
  };
}

function readDate(args: Arguments, name: string): Date | undefined {
  const text = args.text(name);
  if (text === undefined) return undefined;
  if (isDate(text)) return new Date(text);
  throw new UsageError(`invalid --${name} "${text}": expected a time in UTC, e.g. 2026-12-24T18:00:00Z`);
}

function readUrl(args: Arguments, name: string): string | undefined {
  const text = args.text(name);
  if (text === undefined || URL.canParse(text)) return text;
  throw new UsageError(`invalid --${name} "${text}": expected a URL, e.g. https://initiator.example/results`);
}

/** The content of a push, with its headers. @throws UsageError; ConfigurationError naming an unreadable file. */
export async function readContent(args: Arguments): Promise<ContentPart> {
  const [, file, extra] = args.operands;
  if (file === undefined) throw new UsageError('missing FILE: expected the file to push');
  if (extra !== undefined) throw new UsageError(`unexpected FILE "${extra}": expected one FILE`);
  const type = readType(args);
  return {
    headers: [['X-Wap-Application-Id', readApplication(args)], ...args.list('header').map(readHeader)],
    content: storedContent(type, await platform.openFile(file)),
  };
}

function readType(args: Arguments): MediaType {
  const text = args.required('type', 'text/vnd.wap.si');
  const type = parseMediaType(text);
  if (!type) throw new UsageError(`invalid --type "${text}": expected a media type, e.g. text/vnd.wap.si`);
  return type;
}

/** `wml.ua` is short for `x-wap-application:wml.ua`. @throws UsageError */
function readApplication(args: Arguments): string {
  const text = args.required('app', 'wml.ua');
  if (isEventAppId(text) && !text.includes(':')) return `x-wap-application:${text}`;
  if (/^(?:\d{1,7}|[a-z][0-9a-z+.-]*:[!-~]+)$/i.test(text)) return text;
  throw new UsageError(`invalid --app "${text}": expected e.g. wml.ua, or x-oma-application:dpe.ua`);
}

function readHeader(text: string): HeaderList[number] {
  const colon = text.indexOf(':');
  const name = text.slice(0, Math.max(colon, 0)).trim();
  if (!isToken(name))
    throw new UsageError(`invalid --header "${text}": expected a name and a value, e.g. "Expires: 0"`);
  return [name, text.slice(colon + 1).trim()];
}

/** @throws UsageError */
export function readTimeout(args: Arguments): number | undefined {
  const text = args.text('timeout');
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) > 0) return Number(text) * 1000;
  throw new UsageError(`invalid --timeout "${text}": expected a number of seconds, e.g. 30`);
}
