/** Headers of a part or of a push message, and dates of HTTP and SIP. */

/** Headers in order. Names are compared without case. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** The first value of a header. */
export function headerOf(headers: HeaderList, name: string): string | undefined {
  const wanted = name.toLowerCase();
  return headers.find(([candidate]) => candidate.toLowerCase() === wanted)?.[1];
}

export function withoutHeader(headers: HeaderList, name: string): HeaderList {
  const unwanted = name.toLowerCase();
  return headers.filter(([candidate]) => candidate.toLowerCase() !== unwanted);
}

const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];

/** Accepts `Sat, 5 July 2008 09:00:00 GMT`, which a sample of the specification contains. The weekday is ignored. */
const DATE =
  /^(?:[a-z]{3,9},?\s+)?(\d{1,2})[\s-]([a-z]{3,9})\.?[\s-](\d{4})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?(?:\s*(gmt|utc?|z|[+-]\d{4}))?$/i;

const DAY_END = ['23', '59', '59'] as const;

/**
 * Milliseconds since 1970 of a date of SIP or HTTP (RFC 3261 §20.17, RFC 9110 §5.6.7), or in a similar format; undefined
 * if it is not a date. A date without a time is the end of that day.
 */
export function parseLenientDate(text: string): number | undefined {
  const match = text.length > 64 ? null : DATE.exec(text.trim().replace(/\s+/g, ' '));
  if (!match) return undefined;
  const [, day = '', name = '', year = '', hour, minute = '00', second = '00', zone = 'GMT'] = match;
  const month = monthOf(name.toLowerCase());
  const [hours, minutes, seconds] = (hour === undefined ? DAY_END : [hour, minute, second]).map(Number);
  if (month < 0 || hours === undefined || minutes === undefined || seconds === undefined) return undefined;
  // 60: a leap second.
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const midnight = new Date(Date.UTC(Number(year), month, Number(day)));
  // Date would turn 31 June into 1 July.
  if (midnight.getUTCDate() !== Number(day)) return undefined;
  return midnight.getTime() + ((hours * 60 + minutes) * 60 + seconds) * 1000 - offset(zone);
}

/** `Sat, 05 Jul 2008 09:00:00 GMT`. */
export function formatHttpDate(milliseconds: number): string {
  return new Date(milliseconds).toUTCString();
}

function monthOf(name: string): number {
  // Some senders write `Sept`.
  const short = name === 'sept' ? 'sep' : name;
  return MONTHS.findIndex((month) => month === name || month.slice(0, 3) === short);
}

/** Offset of a zone such as `+0200` from GMT, in milliseconds. */
function offset(zone: string): number {
  const match = /^([+-])(\d{2})(\d{2})$/.exec(zone);
  if (!match) return 0;
  const [, sign, hours, minutes] = match;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
