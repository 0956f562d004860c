/** Dates of SI and EMN: in OPAQUE their digits YYYYMMDDhhmmss two an octet, zero octets at the end left out. */

const OCTETS = 7;
/** Year, month and day are never zero. */
const DATE_OCTETS = 4;
const WRITTEN = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/;

/** @returns `1999-06-30T00:00:00Z`, undefined where the octets are no date. */
export function dateOfOctets(octets: Uint8Array): string | undefined {
  if (octets.length < DATE_OCTETS || octets.length > OCTETS) return undefined;
  const digits = Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('');
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(digits.padEnd(2 * OCTETS, '0'));
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  return isDate(text) ? text : undefined;
}

/** @returns undefined where the text is not written as a date in UTC. */
export function octetsOfDate(text: string): Uint8Array | undefined {
  if (!isDate(text)) return undefined;
  const digits = text.replace(/\D/g, '');
  const octets = Array.from({ length: OCTETS }, (_, index) =>
    Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16),
  );
  while (octets.at(-1) === 0) octets.pop();
  return Uint8Array.from(octets);
}

/** Whether there is such a day and such a second. */
export function isDate(text: string): boolean {
  if (!WRITTEN.test(text)) return false;
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text.replace('Z', '.000Z');
}
