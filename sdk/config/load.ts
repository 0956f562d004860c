/** Reads configuration files and the files they refer to by relative paths. */

import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { ConfigurationError, LimitError } from '../../core/errors.js';
import { validate } from './validate.js';

/** Configuration files and certificates have a few kilobytes. A larger file is a mistake. */
const MAX_FILE = 1024 * 1024;
const CHUNK = 65_536;

export interface Loaded<T> {
  config: T;
  /** Base folder for relative paths in the configuration. */
  folder: string;
}

/** @throws ConfigurationError naming the file, and the line or key. */
export async function loadConfig<T extends z.ZodType>(file: string, schema: T): Promise<Loaded<z.infer<T>>> {
  const text = new TextDecoder().decode(await readSmallFile(file));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ConfigurationError(`${file} is not JSON: ${reasonOf(error as SyntaxError, text)}`, {
      cause: error,
    });
  }
  return { config: validate(schema, value, file), folder: dirname(resolve(file)) };
}

/** The message on one line: it can quote text with line breaks. */
function reasonOf({ message }: SyntaxError, text: string): string {
  const before = /at position (\d+)$/.exec(message)?.[1];
  const line = before === undefined ? undefined : text.slice(0, Number(before)).split('\n').length;
  return `${message.replace(/\s+/g, ' ')}${line === undefined ? '' : `, line ${line}`}`;
}

/** @throws ConfigurationError naming the problem with the path. */
export async function readSmallFile(file: string): Promise<Uint8Array> {
  try {
    return await readBytes(file, MAX_FILE);
  } catch (error) {
    if (error instanceof LimitError) throw new ConfigurationError(error.message, { cause: error });
    throw error;
  }
}

/**
 * Reads a file or a pipe to its end.
 * @throws ConfigurationError naming the problem with the path; LimitError if it has more than `limit` bytes.
 */
export async function readBytes(file: string, limit: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    await using handle = await open(file);
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(CHUNK), 0, CHUNK);
      if (bytesRead === 0) return Buffer.concat(chunks);
      chunks.push(buffer.subarray(0, bytesRead));
      size += bytesRead;
      if (size > limit) throw new LimitError(`${file} has more than ${limit} bytes`);
    }
  } catch (error) {
    if (error instanceof LimitError) throw error;
    throw new ConfigurationError(`${file} ${fileProblem(error)}`, { cause: error });
  }
}

function fileProblem(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const known = {
    ENOENT: 'does not exist',
    EACCES: 'cannot be read: permission denied',
    EISDIR: 'is a folder',
  };
  return Object.hasOwn(known, code) ? known[code as keyof typeof known] : `cannot be read: ${message}`;
}
