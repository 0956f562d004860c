/**
 * A file that has come before, as a whole: its line is answered with port zero, as one that is not wanted is, and says
 * which file by its SHA-1, and by a file-range that what is still to come begins behind the last byte. Neither RFC 5547
 * nor the specification has a word for it; to a sender that does not know it, the file is refused.
 */

import type { FileDescription, FileRange } from './file-description.js';

/** Undefined for a file whose size or SHA-1 nobody said: then it cannot be known to be the same. */
export function hadRange(file: FileDescription | undefined): FileRange | undefined {
  const { size, sha1 } = file?.selector ?? {};
  return size === undefined || sha1 === undefined ? undefined : { start: size + 1 };
}

/** Whether a line with port zero that says `answered` means that `offered` is there already. */
export function isHad(offered: FileDescription | undefined, answered: FileDescription | undefined): boolean {
  const range = hadRange(offered);
  return (
    range !== undefined &&
    answered?.selector.sha1 === offered?.selector.sha1 &&
    answered?.range?.start === range.start
  );
}
