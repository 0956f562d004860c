/** Reads a configuration file; paths in it are relative to the file. */

import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { ConfigurationError } from '../../../core/errors.js';
import type { TlsOptions } from '../../../core/platform/platform.js';
import type { HostFile } from './schema.js';
import { validate } from './validate.js';

/** A configuration file is a few kilobytes; more is the wrong file. */
const MAX_FILE = 1024 * 1024;

export interface Loaded<T> {
  config: T;
  /** Folder that relative paths in the configuration start from. */
  folder: string;
}

/** @throws ConfigurationError naming the file and the line, or the key. */
export async function loadConfig<T extends z.ZodType>(file: string, schema: T): Promise<Loaded<z.infer<T>>> {
  const text = await readText(file);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ConfigurationError(`${file} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  return { config: validate(schema, value, file), folder: dirname(resolve(file)) };
}

async function readText(file: string): Promise<string> {
  const bytes = await readBytes(file);
  if (bytes.length > MAX_FILE) throw new ConfigurationError(`${file} has more than ${MAX_FILE} bytes`);
  return new TextDecoder().decode(bytes);
}

/** @throws ConfigurationError that says what is wrong with the path. */
export async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      { ENOENT: 'does not exist', EACCES: 'may not be read', EISDIR: 'is a folder' }[code ?? ''] ??
      String(error);
    throw new ConfigurationError(`${file} ${why}`, { cause: error });
  }
}

export async function loadTls(tls: HostFile['tls'], folder: string): Promise<TlsOptions | undefined> {
  if (!tls) return undefined;
  const entries = Object.entries(tls).map(async ([name, file]) =>
    file === undefined ? [] : [[name, await readBytes(resolve(folder, file))] as const],
  );
  return Object.fromEntries((await Promise.all(entries)).flat());
}
