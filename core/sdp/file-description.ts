/** The attributes of a file (RFC 5547 §6). */

import { ConfigurationError, MalformedError } from '../errors.js';
import type { Attributes } from './description.js';
import { type FileSelector, formatFileSelector, parseFileSelector } from './file-selector.js';

export interface FileDescription {
  selector: FileSelector;
  /** Identifies the transfer: unchanged to resume it, another one to send the same file twice. */
  transferId?: string;
  /** `render` or `attachment`, as in Content-Disposition. */
  disposition?: string;
  date?: FileDate;
  range?: FileRange;
}

export interface FileDate {
  creation?: Date;
  modification?: Date;
  read?: Date;
}

/** Bytes of the file, from 1, both ends included; without `end`, to the last byte. */
export interface FileRange {
  start: number;
  end?: number;
}

/** RFC 5547 §6 has tokens; real ones contain other characters. */
const VISIBLE = /^[!-~]{1,255}$/;
const RANGE = /^(\d{1,16})[ \t]*-[ \t]*(\d{1,16}|\*)$/;
const DATES = /(creation|modification|read):[ \t]*"([^"]{0,64})"/gi;

/** Undefined without attributes of a file. @throws MalformedError */
export function readFile(attributes: Attributes): FileDescription | undefined {
  const selector = attributes.get('file-selector');
  const transferId = attributes.get('file-transfer-id');
  const range = attributes.get('file-range');
  if (selector === undefined && transferId === undefined && range === undefined) return undefined;
  const disposition = attributes.get('file-disposition');
  const date = parseDate(attributes.get('file-date') ?? '');
  return {
    selector: parseFileSelector(selector ?? ''),
    transferId: transferId === undefined ? undefined : visible('file-transfer-id', transferId),
    disposition: disposition === undefined ? undefined : visible('file-disposition', disposition),
    date,
    range: range === undefined ? undefined : parseRange(range),
  };
}

/** The attributes, `name:value` each. @throws ConfigurationError */
export function writeFile({ selector, transferId, disposition, date, range }: FileDescription): string[] {
  const lines = [`file-selector:${formatFileSelector(selector)}`];
  if (transferId !== undefined) lines.push(`file-transfer-id:${writable('file-transfer-id', transferId)}`);
  if (disposition !== undefined) lines.push(`file-disposition:${writable('file-disposition', disposition)}`);
  const dates = date === undefined ? '' : formatDate(date);
  if (dates !== '') lines.push(`file-date:${dates}`);
  if (range !== undefined) lines.push(`file-range:${formatRange(range)}`);
  return lines;
}

function visible(name: string, value: string): string {
  if (VISIBLE.test(value)) return value;
  throw new MalformedError(`invalid a=${name}: expected a token of up to 255 characters`);
}

function writable(name: string, value: string): string {
  if (VISIBLE.test(value)) return value;
  throw new ConfigurationError(
    `invalid a=${name} ${JSON.stringify(value)}: expected a token of up to 255 characters`,
  );
}

function parseRange(value: string): FileRange {
  const [, first, last] = RANGE.exec(value) ?? [];
  const range = last === '*' ? { start: Number(first) } : { start: Number(first), end: Number(last) };
  if (!isRange(range))
    throw new MalformedError('invalid a=file-range: expected "start-stop" or "start-*", counted from 1');
  return range;
}

function formatRange(range: FileRange): string {
  if (!isRange(range))
    throw new ConfigurationError(
      `invalid a=file-range ${JSON.stringify(range)}: expected positions from 1, the end not before the start`,
    );
  return `${range.start}-${range.end ?? '*'}`;
}

function isRange({ start, end = start }: FileRange): boolean {
  return Number.isSafeInteger(start) && Number.isSafeInteger(end) && start > 0 && end >= start;
}

/** The dates are for people: invalid ones are ignored. */
function parseDate(value: string): FileDate | undefined {
  const date: FileDate = {};
  for (const [, kind = '', text = ''] of value.matchAll(DATES)) {
    // RFC 5322 §3.3: ECMAScript does not define the format, but all engines parse it.
    const parsed = new Date(text);
    if (!Number.isNaN(parsed.getTime())) date[kind.toLowerCase() as keyof FileDate] ??= parsed;
  }
  return Object.keys(date).length === 0 ? undefined : date;
}

function formatDate({ creation, modification, read }: FileDate): string {
  const parts: string[] = [];
  for (const [kind, date] of Object.entries({ creation, modification, read })) {
    if (!date) continue;
    if (Number.isNaN(date.getTime()))
      throw new ConfigurationError(`invalid a=file-date: ${kind} is not a date`);
    // RFC 5547 §6: the zone is numeric.
    parts.push(`${kind}:"${date.toUTCString().replace('GMT', '+0000')}"`);
  }
  return parts.join(' ');
}
