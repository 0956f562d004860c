/** Files that are read as streams, the spool, and the creation of folders. */

import { constants, createReadStream } from 'node:fs';
import { access, type FileHandle, mkdir, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ConfigurationError, SipPushError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import type { FileRange, Spool, SpoolFile } from '../files.js';
import type { Platform } from '../platform.js';
import { webStream } from './bytes.js';
import { errorCode } from './failure.js';

/**
 * Creates a folder and its parents. With `recursive: true` Node.js loops forever in an unstoppable thread if the system
 * reports ENOENT although the parent exists, as in /proc.
 */
export async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await makeFolders(path, mode);
    // An existing folder can be read-only: this is detected now, not at the first push.
    await access(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = UNWRITABLE[errorCode(error) as keyof typeof UNWRITABLE];
    if (why === undefined) throw error;
    throw new SipPushError(
      `the folder ${path} cannot be written: ${why}. Let the user of this process write there, or use another folder ("data" in a configuration)`,
      { cause: error },
    );
  }
}

const UNWRITABLE = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'its file system is read-only',
} as const;

async function makeFolders(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const code = errorCode(error);
    const parent = dirname(path);
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || parent === path) throw error;
    // Another process may create the same folders at the same time.
    if (!(await isThere(parent))) await makeFolders(parent, mode);
    await mkdir(path, { mode }).catch(async (failure: unknown) => {
      if (errorCode(failure) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw failure;
    });
  }
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

/** Bytes per read. Larger reads are not faster. */
const PIECE = 262_144;

const WHY = { ENOENT: 'does not exist', EACCES: 'cannot be read: permission denied' } as const;

export const openFile: Platform['openFile'] = async (path) => {
  try {
    // Opened once to detect a file that is not readable.
    await (await open(path, constants.O_RDONLY)).close();
    const found = await stat(path);
    if (!found.isFile()) throw new ConfigurationError(`invalid file ${path}: expected a regular file`);
    return { size: found.size, open: (range) => read(path, range) };
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const why = WHY[errorCode(error) as keyof typeof WHY] ?? reasonOf(error);
    throw new ConfigurationError(`${path} ${why}`, { cause: error });
  }
};

function read(path: string, { start, end }: FileRange = { start: 0 }): ReadableStream<Uint8Array> {
  // createReadStream does not support an empty range.
  if (end !== undefined && end < start)
    return new ReadableStream({ start: (controller) => controller.close() });
  return webStream(createReadStream(path, { highWaterMark: PIECE, start, end }));
}

export const openSpool: Platform['openSpool'] = async (folder) => {
  if (folder === undefined) return new FolderSpool(await mkdtemp(join(tmpdir(), 'sip-push-spool-')));
  // Files of an earlier process have no owner.
  await rm(folder, { recursive: true, force: true });
  // Pushes are private.
  await makeFolder(folder, 0o700);
  return new FolderSpool(folder);
};

class FolderSpool implements Spool {
  readonly #files = new Set<FolderSpoolFile>();
  #count = 0;

  constructor(private readonly folder: string) {}

  create(): SpoolFile {
    const path = join(this.folder, String(++this.#count));
    const file = new FolderSpoolFile(path, () => this.#files.delete(file));
    this.#files.add(file);
    return file;
  }

  async close(): Promise<void> {
    await Promise.allSettled(Array.from(this.#files, (file) => file.close()));
    this.#files.clear();
    await rm(this.folder, { recursive: true, force: true });
  }
}

class FolderSpoolFile implements SpoolFile {
  size = 0;
  #handle: Promise<FileHandle> | undefined;

  constructor(
    private readonly path: string,
    private readonly onRemoved: () => void,
  ) {}

  async append(bytes: Uint8Array): Promise<void> {
    try {
      const handle = await this.#opened();
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, this.size);
        at += bytesWritten;
        this.size += bytesWritten;
      }
    } catch (error) {
      throw unwritable(error);
    }
  }

  open(range: FileRange = { start: 0 }): ReadableStream<Uint8Array> {
    const end = Math.min(range.end ?? this.size - 1, this.size - 1);
    return read(this.path, { start: range.start, end });
  }

  async clear(): Promise<void> {
    if (this.size === 0) return;
    try {
      await (await this.#opened()).truncate(0);
      this.size = 0;
    } catch (error) {
      throw unwritable(error);
    }
  }

  async close(): Promise<void> {
    const handle = await this.#handle?.catch(() => undefined);
    this.#handle = undefined;
    await handle?.close();
  }

  async remove(): Promise<void> {
    this.onRemoved();
    await this.close();
    await rm(this.path, { force: true });
  }

  #opened(): Promise<FileHandle> {
    this.#handle ??= open(this.path, constants.O_WRONLY | constants.O_CREAT, 0o600).catch(
      (error: unknown) => {
        this.#handle = undefined;
        throw error;
      },
    );
    return this.#handle;
  }
}

function unwritable(error: unknown): SipPushError {
  return new SipPushError(`the spool cannot be written: ${reasonOf(error)}`, { cause: error });
}
