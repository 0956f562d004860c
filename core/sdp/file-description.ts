/** What an m= line says of its file (RFC 5547 6). */

import { ConfigurationError, MalformedError } from '../errors.js';
import type { Attributes } from './description.js';
import { type FileSelector, formatFileSelector, parseFileSelector } from './file-selector.js';

export interface FileDescription {
  selector: FileSelector;
  /** Names the transfer: the same one when it is offered again, another one to send the same file twice. */
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

/** Bytes of the file, counted from 1, both ends included; without an end up to the last. */
export interface FileRange {
  start: number;
  end?: number;
}

/** RFC 5547 6: tokens; real ones have other characters too. */
const VISIBLE = /^[!-~]{1,255}$/;
const RANGE = /^(\d{1,16})[ \t]*-[ \t]*(\d{1,16}|\*)$/;
const DATES = /(creation|modification|read):[ \t]*"([^"]{0,64})"/gi;

/** Undefined when nothing is said of a file. @throws MalformedError */
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
  throw new MalformedError(`a=${name} is no token of up to 255 characters`);
}

function writable(name: string, value: string): string {
  if (VISIBLE.test(value)) return value;
  throw new ConfigurationError(`a=${name}: ${JSON.stringify(value)} is no token of up to 255 characters`);
}

function parseRange(value: string): FileRange {
  const [, first, last] = RANGE.exec(value) ?? [];
  const range = last === '*' ? { start: Number(first) } : { start: Number(first), end: Number(last) };
  if (!isRange(range))
    throw new MalformedError('a=file-range is no "start-stop" or "start-*", counted from 1');
  return range;
}

function formatRange(range: FileRange): string {
  if (!isRange(range)) throw new ConfigurationError(`a=file-range: ${JSON.stringify(range)} is no range`);
  return `${range.start}-${range.end ?? '*'}`;
}

function isRange({ start, end = start }: FileRange): boolean {
  return Number.isSafeInteger(start) && Number.isSafeInteger(end) && start > 0 && end >= start;
}

/** For people only: what is no date is not minded. */
function parseDate(value: string): FileDate | undefined {
  const date: FileDate = {};
  for (const [, kind = '', text = ''] of value.matchAll(DATES)) {
    // RFC 5322 3.3: ECMAScript leaves its form to the engine; those in use read it.
    const parsed = new Date(text);
    if (!Number.isNaN(parsed.getTime())) date[kind.toLowerCase() as keyof FileDate] ??= parsed;
  }
  return Object.keys(date).length === 0 ? undefined : date;
}

function formatDate({ creation, modification, read }: FileDate): string {
  const parts: string[] = [];
  for (const [kind, date] of Object.entries({ creation, modification, read })) {
    if (!date) continue;
    if (Number.isNaN(date.getTime())) throw new ConfigurationError(`a=file-date: ${kind} is no date`);
    // RFC 5547 6: the zone is numeric.
    parts.push(`${kind}:"${date.toUTCString().replace('GMT', '+0000')}"`);
  }
  return parts.join(' ');
}

/**
 * A file that has come before, as a whole: its line is answered with port zero, as one that is not wanted is, and says
 * which file by its SHA-1, and by a file-range that what is still to come begins behind the last byte. Neither RFC 5547
 * nor the specification has a word for it; to a sender that does not know it, the file is refused.
 */

/** Undefined for a file whose size or SHA-1 nobody said: then it cannot be known to be the same. */
export function alreadyReceivedRange(file: FileDescription | undefined): FileRange | undefined {
  const { size, sha1 } = file?.selector ?? {};
  return size === undefined || sha1 === undefined ? undefined : { start: size + 1 };
}

/** Whether a line with port zero that says `answered` means that `offered` is there already. */
export function isAlreadyReceived(
  offered: FileDescription | undefined,
  answered: FileDescription | undefined,
): boolean {
  const range = alreadyReceivedRange(offered);
  return (
    range !== undefined &&
    answered?.selector.sha1 === offered?.selector.sha1 &&
    answered?.range?.start === range.start
  );
}
