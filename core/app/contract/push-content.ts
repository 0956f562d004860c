/** `push.bytes()` and `push.text()`. */

import type { Content } from '../../content/content.js';
import { LimitError, PushRefused } from '../../errors.js';
import { printable } from '../../text.js';
import type { Push } from './push.js';

/** Bytes of content that `bytes` reads for an application without `maxSize`: it is in memory as a whole. */
export const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;

/** @param maxSize of the application, in bytes. */
export function contentReaders(content: Content, maxSize = DEFAULT_MAX_BYTES): Pick<Push, 'bytes' | 'text'> {
  const bytes = async () => {
    try {
      return await content.bytes(maxSize);
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      throw new PushRefused('size', error.message, { cause: error });
    }
  };
  return { bytes, text: async () => decoderOf(content).decode(await bytes()) };
}

/** @throws PushRefused of kind `type` */
function decoderOf({ type }: Content): TextDecoder {
  const { charset = 'utf-8' } = type.parameters;
  try {
    return new TextDecoder(charset);
  } catch (error) {
    throw new PushRefused('type', `unknown charset "${printable(charset)}"`, { cause: error });
  }
}
