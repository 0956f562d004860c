/** A file as it is offered: what a receiver decides by, and resumes by (RFC 5547). */

import { platform } from '#platform';
import type { Content } from '../../content/content.js';
import { formatMediaType } from '../../content/media-type.js';
import type { FileDate, FileDescription } from '../../sdp/index.js';

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

export interface OfferedFile {
  readonly file: PushFile;
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha1: string;
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
  const hasher = platform.hasher('sha-1');
  let size = 0;
  for await (const chunk of file.content.open()) {
    hasher.update(chunk);
    size += chunk.length;
  }
  const transferId = platform.hash('sha-256', `${pushId}\n${place}`).slice(0, TRANSFER_ID_LENGTH);
  return { file, size, sha1: hasher.digest(), transferId };
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
