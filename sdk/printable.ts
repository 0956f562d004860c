/** What others wrote, for people to read: in a description, in a line of the log. */

/** Control characters, line separators, and what turns the direction of text (Unicode UAX 9). */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;

/** One line of text: a blank in place of each character that could move a cursor, begin a line, or disguise the others. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, ' ');
}

/** What went wrong, printable: the message of an error; anything else that was thrown as text. */
export function printableReason(thrown: unknown): string {
  return printable(thrown instanceof Error ? thrown.message : String(thrown));
}
