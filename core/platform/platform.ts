/** The differences between Node.js and a browser. `#platform` resolves to an implementation. */

import type { QueryDns } from './dns.js';
import type { Files } from './files.js';
import type { Http } from './http.js';
import type { ChannelProtocol, Sockets } from './sockets.js';
import type { WorkerOptions, WorkerThread } from './threads.js';

export type HashAlgorithm = 'md5' | 'sha-1' | 'sha-256' | 'sha-512-256';

/** Computes a digest piece by piece. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** Returns the digest in lower-case hexadecimal, and ends the computation. */
  digest(): string;
}

/** Names of the Compression Streams Standard: gzip (RFC 1952), zlib (RFC 1950) and raw deflate (RFC 1951). */
export type CompressionFormat = 'gzip' | 'deflate' | 'deflate-raw';

/** Values are bytes. */
interface BytesEncoding {
  valueEncoding: 'view';
}

export type StoreWrite = { type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string };

/** Records by key, in the order of the keys. The subset of abstract-level that is used here. */
export interface Store {
  readonly status: string;
  open(): Promise<void>;
  close(): Promise<void>;
  get(key: string, options: BytesEncoding): Promise<Uint8Array | undefined>;
  /** The values in the order of the keys. */
  getMany(keys: string[], options: BytesEncoding): Promise<(Uint8Array | undefined)[]>;
  /** Writes all operations or none. With `sync` they survive SIGKILL and a power failure. */
  batch(operations: readonly StoreWrite[], options: BytesEncoding & { sync: boolean }): Promise<void>;
  /** Iterates in the order of the keys. */
  iterator(
    range: BytesEncoding & ({ gt: string } | { gte: string }),
  ): AsyncIterable<[key: string, value: Uint8Array]>;
  /** Deletes a range of keys, or the first ones of it, not as one write. */
  clear(range: { gte: string; lt: string; limit?: number }): Promise<void>;
}

export interface Platform extends Sockets, Http, Files {
  /** Protocols that `connect` supports, and `udp` if `openDatagram` works. */
  readonly protocols: ReadonlySet<ChannelProtocol | 'udp'>;
  /** The digest in lower-case hexadecimal. */
  hash(algorithm: HashAlgorithm, data: string | Uint8Array): string;
  hasher(algorithm: HashAlgorithm): Hasher;
  /** Compresses a stream with little read-ahead. Cancelling the result cancels `source`. */
  compress(source: ReadableStream<Uint8Array>, format: CompressionFormat): ReadableStream<Uint8Array>;
  /** As `compress`. The stream errors if the data has another format or is truncated. */
  decompress(source: ReadableStream<Uint8Array>, format: CompressionFormat): ReadableStream<Uint8Array>;
  /** Index of the first occurrence of `pattern` in `bytes` at or after `from`, or -1. */
  indexOf(bytes: Uint8Array, pattern: Uint8Array, from?: number): number;
  /**
   * The fingerprint of the first certificate in the PEM, in the form of `a=fingerprint`: `sha-256 AB:CD:…` (RFC 8122 §5).
   * @throws ConfigurationError if there is no certificate.
   */
  certificateFingerprint(pem: string | Uint8Array): string;
  /** `bytes` random octets from a cryptographic source, in hexadecimal. */
  randomHex(bytes: number): string;
  /**
   * Opens or creates a durable store in a folder; a store in memory if absent.
   * @param onDamage called when the store dropped records that are damaged.
   */
  openStore(folder?: string, onDamage?: (problem: string) => void): Promise<Store>;
  /**
   * The IP addresses of a host name; undefined in a browser, which does not reveal them.
   * @throws TransportError if the name does not resolve.
   */
  resolve(host: string): Promise<string[] | undefined>;
  /** Records of DNS; absent in a browser. */
  readonly queryDns?: QueryDns;
  /**
   * A function that returns whether an IP address is in one of the blocks: addresses, and ranges such as `192.0.2.0/24`.
   * @throws ConfigurationError naming an invalid block; in a browser, which does not reveal addresses.
   */
  addressBlocks(blocks: readonly string[]): (host: string) => boolean;
  /**
   * Starts a thread that runs an ES module; there `parentPort()` of `core/platform/node/parent-port.ts` is the other end.
   * @throws ConfigurationError if the platform has no such threads, or the URL cannot be the script of one.
   */
  startWorker(script: URL, options: WorkerOptions): WorkerThread;
}
