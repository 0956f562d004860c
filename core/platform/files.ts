/** Files and folders. Failures to read or write, e.g. a full disk, are a SipPushError. */

/** A part of a file, both ends inclusive, counted from 0. */
export interface FileRange {
  start: number;
  end?: number;
}

export interface StoredFile {
  /** Size in bytes. */
  readonly size: number;
  open(range?: FileRange): ReadableStream<Uint8Array>;
}

/** A file that is appended to, and can be read at the same time. */
export interface SpoolFile extends StoredFile {
  append(bytes: Uint8Array): Promise<void>;
  /** Truncates the file to zero bytes. */
  clear(): Promise<void>;
  /** Releases the descriptor until the next write. The content can still be read. */
  close(): Promise<void>;
  remove(): Promise<void>;
}

/** Temporary files for content that is too large for memory. They do not outlive the process. */
export interface Spool {
  /** A file that uses no descriptor before its first write. */
  create(): SpoolFile;
  /** Removes the remaining files. */
  close(): Promise<void>;
}

/** A file that is not visible in its folder until it is kept. */
export interface NewFile {
  append(bytes: Uint8Array): Promise<void>;
  /** Adds the file to its folder. It survives a power failure when the promise resolves. */
  keep(): Promise<void>;
  /** Removes the file. Never rejects. */
  discard(): Promise<void>;
}

/** A file of a folder that is written in any order, and can be read at the same time. */
export interface OpenFile {
  /** Size in bytes when the file was opened. */
  readonly size: number;
  /** Writes the chunks one after another from the offset `at`. They must not change before the promise resolves. */
  write(chunks: readonly Uint8Array[], at: number): Promise<void>;
  /** Reads at most `length` bytes; fewer, or none, at the end of the file. */
  read(at: number, length: number): Promise<Uint8Array>;
  /** Removes the bytes after the first `size` ones. */
  truncate(size: number): Promise<void>;
  /** Written bytes, and the name of the file, survive a power failure when the promise resolves. */
  sync(): Promise<void>;
  /** Closes the file after the operations in progress. */
  close(): Promise<void>;
}

/** Files by name. They outlive the process. */
export interface Folder {
  /** The kept files with their sizes in bytes. */
  list(): Promise<{ name: string; size: number }[]>;
  /** @param name letters and digits, unused in this folder. */
  create(name: string): Promise<NewFile>;
  /** Opens a file to write in place, and creates it if necessary. It is in the folder from then on. */
  edit(name: string): Promise<OpenFile>;
  /** @throws ConfigurationError if there is no such file. */
  open(name: string): Promise<StoredFile>;
  /** Does nothing if there is no such file. */
  remove(name: string): Promise<void>;
  /** The path of the file for other programs. */
  path(name: string): string;
  /** Removes a temporary folder. */
  close(): Promise<void>;
}

export interface Files {
  /** Opens a spool in a folder, which is created or emptied; in a temporary folder if absent. */
  openSpool(folder?: string): Promise<Spool>;
  /** Opens a folder, and creates it if necessary; a temporary one if absent. Removes files that were not kept. */
  openFolder(path?: string): Promise<Folder>;
  /** @throws ConfigurationError if there is no such file, or it is not readable. */
  openFile(path: string): Promise<StoredFile>;
}
