/** The `files` service. */

import { platform } from '#platform';
import type { ByteRange } from '../content/content.js';
import { AppError } from '../errors.js';
import { handled } from './deadline.js';
import type { FilesRoom, Shelf } from './files-room.js';
import { inject, injectable } from './injection.js';
import type { AppFile, AppFiles } from './services.js';
import { APP_SCOPE, type AppScope, FILES_ROOM } from './tokens.js';

/** Bytes of a name: no two are ever the same. */
const NAME_BYTES = 16;

@injectable()
export class FilesService implements AppFiles {
  constructor(
    @inject(APP_SCOPE) private readonly scope: AppScope,
    @inject(FILES_ROOM) private readonly room: FilesRoom,
  ) {}

  write(content: ReadableStream<Uint8Array>): Promise<AppFile & { sha256: string }> {
    return handled(this.keepFile(content));
  }

  open(name: string, range?: ByteRange): Promise<ReadableStream<Uint8Array>> {
    return handled(this.shelf().then(async (shelf) => (await shelf.open(name)).open(range)));
  }

  remove(name: string): Promise<void> {
    return handled(this.shelf().then((shelf) => shelf.remove(name)));
  }

  list(): Promise<AppFile[]> {
    return handled(
      this.shelf().then((shelf) => shelf.list().map(({ name, size }) => this.file(shelf, name, size))),
    );
  }

  private async keepFile(content: ReadableStream<Uint8Array>): Promise<AppFile & { sha256: string }> {
    try {
      const shelf = await this.shelf();
      const name = platform.randomHex(NAME_BYTES);
      const file = await shelf.create(name, this.scope.permissions.files);
      const hasher = platform.hasher('sha-256');
      try {
        for await (const chunk of content) {
          this.requireActive();
          await file.append(chunk);
          hasher.update(chunk);
        }
        this.requireActive();
        const size = await file.keep();
        return { ...this.file(shelf, name, size), sha256: hasher.digest() };
      } catch (error) {
        await file.discard();
        throw error;
      }
    } catch (error) {
      // Whoever fills it learns that nobody reads any more.
      if (!content.locked) await content.cancel(error).catch(() => {});
      throw error;
    }
  }

  private file(shelf: Shelf, name: string, size: number): AppFile {
    return { name, size, path: shelf.folder.path(name) };
  }

  private async shelf(): Promise<Shelf> {
    this.requireActive();
    return this.room.of(this.scope.namespace);
  }

  private requireActive(): void {
    if (!this.scope.active) throw new AppError(this.scope.eventAppId, 'its files are closed: it was stopped');
  }
}
