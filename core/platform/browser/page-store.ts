/** Where the bytes of files are, in pages of one size: in IndexedDB, or in memory. */

/**
 * Bytes. Small enough to be written again for a few octets within it, large enough that a file of 1 GiB has some
 * thousands.
 */
export const PAGE_BYTES = 256 * 1024;

export interface FileEntry {
  /** Bytes of the file. */
  size: number;
  /** Seen in the folder; one that is not goes with the page that writes it. */
  kept: boolean;
}

export interface PageChange {
  entry: FileEntry;
  /** By their index; the last one of a file may be shorter. They must not change before it is written. */
  pages: ReadonlyMap<number, Uint8Array>;
  /** Pages from this index on are gone. */
  end?: number;
  /** On disk over a loss of power; else as the browser sees fit. */
  durable: boolean;
}

/** All of its methods reject with SipPushError. */
export interface PageStore {
  entries(): Promise<Map<string, FileEntry>>;
  /** Undefined where there is no such file. */
  entry(name: string): Promise<FileEntry | undefined>;
  /** Undefined: nothing was written there, which reads as zeros. Rejects when there is no such file. */
  read(name: string, index: number): Promise<Uint8Array | undefined>;
  /** All of it, or nothing. */
  write(name: string, change: PageChange): Promise<void>;
  /** Also of one that is not there. */
  remove(name: string): Promise<void>;
  close(): void;
}
