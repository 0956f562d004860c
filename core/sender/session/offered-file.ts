/** A file as it is offered: what a receiver decides by, and resumes by (RFC 5547). */

import { platform } from '#platform';
import type { Content } from '../../content/content.js';
import { formatMediaType } from '../../content/media-type.js';
import type { FileDate, FileDescription } from '../../sdp/index.js';
import { type Digest, digestOf } from '../digest.js';

/** One file of a push. */
export interface PushFile {
  content: Content;
  /** For people: `holiday.jpg`. */
  name?: string;
  /** Content-Disposition: `render` when absent. */
  disposition?: string;
  /** Content-Description, for people. */
  description?: string;
  /** When the file was made, changed or read last, for people. */
  date?: FileDate;
}

export interface OfferedFile extends Digest {
  readonly file: PushFile;
  /** Names this transfer, however often it is offered (RFC 5547 6). */
  readonly transferId: string;
}

/** Hexadecimal digits of a digest that no two transfers share. */
const TRANSFER_ID_LENGTH = 32;

/**
 * Reads it once, to its end: its digest goes ahead of it.
 * @param pushId with the file's place makes its transfer id: the same push offered again is resumed.
 */
export async function offeredFile(file: PushFile, pushId: string, place: number): Promise<OfferedFile> {
  const transferId = platform.hash('sha-256', `${pushId}\n${place}`).slice(0, TRANSFER_ID_LENGTH);
  return { file, ...(await digestOf(file.content)), transferId };
}

export function describeFile({ file, size, sha1, transferId }: OfferedFile): FileDescription {
  const { content, name, disposition, date } = file;
  return {
    selector: {
      ...(name === undefined ? {} : { name }),
      type: formatMediaType(content.type),
      size,
      sha1,
    },
    transferId,
    ...(disposition === undefined ? {} : { disposition }),
    ...(date === undefined ? {} : { date }),
  };
}
