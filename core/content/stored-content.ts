/** Content whose bytes are in a file. */

import type { StoredFile } from '../platform/platform.js';
import type { Content, MediaType } from './content.js';
import { readAll } from './streams.js';

/** The file must not change from then on, and is its owner's to remove. */
export function storedContent(type: MediaType, file: StoredFile): Content {
  return {
    type,
    size: file.size,
    open: (range) => file.open(range),
    bytes: (limit) => readAll(file.open(), limit),
  };
}
