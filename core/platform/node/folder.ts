/** Files that outlive the process. A file is written under a temporary name and renamed when it is complete. */

import { constants } from 'node:fs';
import { type FileHandle, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SipPushError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import type { Folder, NewFile, OpenFile, StoredFile } from '../files.js';
import type { Platform } from '../platform.js';
import { makeFolder, openFile } from './file.js';

/** Suffix of a temporary name; names of files have no dots. */
const UNFINISHED = '.part';

export const openFolder: Platform['openFolder'] = async (path) => {
  try {
    if (path === undefined) return new DiskFolder(await mkdtemp(join(tmpdir(), 'sip-push-files-')), true);
    // Pushes are private.
    await makeFolder(path, 0o700);
    const unfinished = (await readdir(path)).filter((name) => name.endsWith(UNFINISHED));
    await Promise.all(unfinished.map((name) => rm(join(path, name), { force: true })));
    return new DiskFolder(path, false);
  } catch (error) {
    throw unusable(error);
  }
};

class DiskFolder implements Folder {
  constructor(
    private readonly folder: string,
    private readonly temporary: boolean,
  ) {}

  async list(): Promise<{ name: string; size: number }[]> {
    try {
      const names = (await readdir(this.folder)).filter((name) => !name.includes('.'));
      return await Promise.all(
        names.map(async (name) => ({ name, size: (await stat(this.path(name))).size })),
      );
    } catch (error) {
      throw unusable(error);
    }
  }

  async create(name: string): Promise<NewFile> {
    const path = this.path(name);
    try {
      return new DiskFile(this.folder, path, await open(path + UNFINISHED, 'wx', 0o600));
    } catch (error) {
      throw unusable(error);
    }
  }

  async edit(name: string): Promise<OpenFile> {
    const path = this.path(name);
    try {
      const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
      return new EditedFile(this.folder, handle, (await handle.stat()).size);
    } catch (error) {
      throw unusable(error);
    }
  }

  open(name: string): Promise<StoredFile> {
    return openFile(this.path(name));
  }

  async remove(name: string): Promise<void> {
    try {
      await rm(this.path(name), { force: true });
    } catch (error) {
      throw unusable(error);
    }
  }

  path(name: string): string {
    if (!/^[0-9A-Za-z]+$/.test(name))
      throw new SipPushError(`invalid file name "${name}": expected letters and digits`);
    return join(this.folder, name);
  }

  async close(): Promise<void> {
    if (this.temporary) await rm(this.folder, { recursive: true, force: true });
  }
}

class DiskFile implements NewFile {
  constructor(
    private readonly folder: string,
    private readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  async append(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; )
        at += (await this.handle.write(bytes, at, bytes.length - at)).bytesWritten;
    } catch (error) {
      throw unusable(error);
    }
  }

  async keep(): Promise<void> {
    try {
      await this.handle.sync();
      await this.handle.close();
      await rename(this.path + UNFINISHED, this.path);
      // The folder, which holds the name, is synced separately.
      await syncFolder(this.folder);
    } catch (error) {
      throw unusable(error);
    }
  }

  async discard(): Promise<void> {
    await this.handle.close().catch(() => {});
    await Promise.allSettled([rm(this.path + UNFINISHED, { force: true }), rm(this.path, { force: true })]);
  }
}

class EditedFile implements OpenFile {
  constructor(
    private readonly folder: string,
    private readonly handle: FileHandle,
    readonly size: number,
  ) {}

  write(chunks: readonly Uint8Array[], at: number): Promise<void> {
    return usable(async () => {
      let left = chunks;
      for (let position = at; left.length > 0; ) {
        const { bytesWritten } = await this.handle.writev(left, position);
        position += bytesWritten;
        left = behind(left, bytesWritten);
      }
    });
  }

  read(at: number, length: number): Promise<Uint8Array> {
    return usable(async () => {
      const buffer = new Uint8Array(length);
      const { bytesRead } = await this.handle.read(buffer, 0, length, at);
      return buffer.subarray(0, bytesRead);
    });
  }

  truncate(size: number): Promise<void> {
    return usable(() => this.handle.truncate(size));
  }

  sync(): Promise<void> {
    // The folder, which holds the name, is synced separately.
    return usable(async () => void (await Promise.all([this.handle.datasync(), syncFolder(this.folder)])));
  }

  close(): Promise<void> {
    return usable(() => this.handle.close());
  }
}

/** The rest of `chunks` after the first `count` bytes. */
function behind(chunks: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let index = 0;
  let skipped = count;
  for (let chunk = chunks[0]; chunk && skipped >= chunk.length; chunk = chunks[++index])
    skipped -= chunk.length;
  const [first, ...rest] = chunks.slice(index);
  return first ? [first.subarray(skipped), ...rest] : [];
}

async function usable<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw unusable(error);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unusable(error: unknown): SipPushError {
  if (error instanceof SipPushError) return error;
  return new SipPushError(`files cannot be stored: ${reasonOf(error)}`, { cause: error });
}
