/** What differs between Node.js and a browser. `#platform` resolves to the implementation. */

export interface Address {
  /** IP address or host name; IPv6 without brackets. */
  host: string;
  port: number;
}

/** TLS material as PEM text or bytes. */
export interface TlsOptions {
  /** Authorities to trust instead of the system's. */
  ca?: string | Uint8Array;
  cert?: string | Uint8Array;
  key?: string | Uint8Array;
  /** Name to verify the peer's certificate against; the host connected to when absent. */
  serverName?: string;
  /**
   * Of a client: the server's certificate is one of these, as `a=fingerprint` has them (`sha-256 AB:CD:…`, RFC 8122),
   * whoever signed it. Of several hash functions the strongest counts. A browser shows no certificates: there it has to
   * be one that the browser trusts for the host's name.
   */
  fingerprints?: readonly string[];
}

export type ChannelProtocol = 'tcp' | 'tls' | 'ws' | 'wss';

/** A connected, ordered, reliable path for bytes: TCP, TLS, or WebSocket. */
export interface Channel {
  readonly protocol: ChannelProtocol;
  readonly local: Address;
  readonly remote: Address;
  /** True where each `ondata` is one whole message (WebSocket), false for a stream. */
  readonly framed: boolean;
  /** Bytes accepted by `send` and not yet handed to the network. */
  readonly buffered: number;
  /**
   * Set by the owner before the first event can arrive (synchronously after the channel is received). The bytes are
   * the owner's to keep.
   */
  ondata: (bytes: Uint8Array) => void;
  /**
   * The network took something, and little or nothing waits now (64 KiB at most): time to send more. Always called
   * some time after a `send`, unless the connection ends.
   */
  ondrain: () => void;
  /** Called once, with the error when the end was not clean. */
  onclose: (error?: Error) => void;
  /**
   * The parts together: one message of a WebSocket, one write of a stream. They must not change afterwards.
   * @throws TransportError when the connection has ended.
   */
  send(...parts: Uint8Array[]): void;
  /** Reads no more, so that the peer has to wait. What was read before may still come: 64 KiB, or one message. */
  pause(): void;
  resume(): void;
  /** Ends after what is buffered was sent; `destroy` ends at once. */
  close(): void;
  destroy(): void;
}

export interface ConnectOptions {
  tls?: TlsOptions;
  /** WebSocket subprotocol, e.g. `sip` (RFC 7118) or `msrp` (RFC 7977). */
  subprotocol?: string;
  /** WebSocket path, `/` when absent. */
  path?: string;
  signal?: AbortSignal;
  /** Largest WebSocket message accepted, bytes. */
  maxMessage?: number;
}

export interface ListenOptions {
  tls?: TlsOptions;
  subprotocol?: string;
  maxMessage?: number;
  /** Connections open at once, unfinished handshakes among them; further ones are dropped. */
  maxConnections?: number;
}

export interface Listener {
  readonly address: Address;
  /** Stops accepting; connections already accepted stay. */
  close(): Promise<void>;
}

export interface DatagramSocket {
  readonly local: Address;
  /** Of a connected socket: the address that its host name stood for. */
  readonly remote: Address | undefined;
  /** `from` is the sender of this datagram. */
  onmessage: (bytes: Uint8Array, from: Address) => void;
  /**
   * The network says that the peer cannot be reached (ICMP, no route). The socket stays usable. Whatever else goes
   * wrong with a datagram is a datagram lost.
   */
  onerror: (error: Error) => void;
  /** `to` is required unless the socket was opened connected to a remote. */
  send(bytes: Uint8Array, to?: Address): void;
  close(): void;
}

/** One HTTP request; redirects are not followed. */
export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST';
  /** `http:` or `https:`. */
  url: URL;
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /** IP addresses to connect to, whatever the host name stands for by now; absent: it is resolved again. */
  addresses?: readonly string[];
  /** PEM of authorities to trust beside the system's. */
  ca?: string | Uint8Array;
  /** Ends the exchange at any time, its body too, with its reason. */
  signal: AbortSignal;
}

export interface HttpResponse {
  /** 0: the server redirects, and nobody is told where to (a browser). */
  status: number;
  /** Names in lower case, several values of a name joined by commas. */
  headers: Readonly<Record<string, string>>;
  /** To be read to its end or cancelled. Errors when the connection breaks before all of it has come. */
  body: ReadableStream<Uint8Array>;
}

/** A request that came to an HTTP server of ours; bodies are not taken. */
export interface HttpIncoming {
  method: string;
  /** Path and query, as written. */
  target: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
}

export interface HttpReply {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body?: ReadableStream<Uint8Array>;
  /** Called once at the end: whether the connection has taken all of it. */
  onSent?(whole: boolean): void;
}

/** Part of a file, both ends inclusive, counted from 0. */
export interface FileRange {
  start: number;
  end?: number;
}

export interface StoredFile {
  /** Bytes. */
  readonly size: number;
  open(range?: FileRange): ReadableStream<Uint8Array>;
}

/** A file that is written from its start to its end, and can be read meanwhile. */
export interface SpoolFile extends StoredFile {
  append(bytes: Uint8Array): Promise<void>;
  /** Empties it, to be written anew. */
  clear(): Promise<void>;
  remove(): Promise<void>;
}

/** Room on disk for what is too large for memory. Nothing in it outlives the process. */
export interface Spool {
  create(): Promise<SpoolFile>;
  /** Removes what is left. */
  close(): Promise<void>;
}

/** A file on its way into a folder: nobody sees it there before it is kept. */
export interface NewFile {
  append(bytes: Uint8Array): Promise<void>;
  /** Whole, and on disk over a loss of power, when it resolves. */
  keep(): Promise<void>;
  /** Nothing of it stays. Never rejects. */
  discard(): Promise<void>;
}

/** A file of a folder that is written in any order, and read meanwhile. Rejects with SipPushError, as a full disk does. */
export interface OpenFile {
  /** Bytes up to its last when it was opened. */
  readonly size: number;
  /** One behind the other, the first at `at`. The chunks must not change before it resolves. */
  write(chunks: readonly Uint8Array[], at: number): Promise<void>;
  /** At most `length` bytes; fewer, or none, at the end of the file. */
  read(at: number, length: number): Promise<Uint8Array>;
  /** Nothing stays behind its first `size` bytes. */
  truncate(size: number): Promise<void>;
  /** What was written is on disk over a loss of power, and the file's name with it, when it resolves. */
  sync(): Promise<void>;
  /** After what is under way. */
  close(): Promise<void>;
}

/** Files that outlive the process, by name. */
export interface Folder {
  /** Those that were kept, sizes in bytes. */
  list(): Promise<{ name: string; size: number }[]>;
  /** @param name of letters and digits, new in this folder. */
  create(name: string): Promise<NewFile>;
  /** To be written in place, in the folder from now on; made where it is not there. */
  edit(name: string): Promise<OpenFile>;
  /** @throws ConfigurationError when it is not there. */
  open(name: string): Promise<StoredFile>;
  /** Also of one that is not there. */
  remove(name: string): Promise<void>;
  /** Where other programs find the file. */
  path(name: string): string;
  /** Removes a temporary folder. */
  close(): Promise<void>;
}

export type HashAlgorithm = 'md5' | 'sha-1' | 'sha-256' | 'sha-512-256';

/** A digest of what comes piece by piece. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** Lower-case hexadecimal; the last call. */
  digest(): string;
}

/** As in a browser: with the header and check of RFC 1952, of RFC 1950, or with neither (RFC 1951). */
export type CompressionFormat = 'gzip' | 'deflate' | 'deflate-raw';

/** Values are bytes. */
interface BytesEncoding {
  valueEncoding: 'view';
}

export type StoreWrite = { type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string };

/** Records by key, in the order of their keys: as much of abstract-level as is used here. */
export interface Store {
  readonly status: string;
  open(): Promise<void>;
  close(): Promise<void>;
  get(key: string, options: BytesEncoding): Promise<Uint8Array | undefined>;
  /** All or none. With `sync` it survives SIGKILL and a loss of power. */
  batch(operations: readonly StoreWrite[], options: BytesEncoding & { sync: boolean }): Promise<void>;
  /** In order. */
  iterator(
    range: BytesEncoding & ({ gt: string } | { gte: string }),
  ): AsyncIterable<[key: string, value: Uint8Array]>;
}

/** One end of the way between two threads. Messages are structured clones, and come in order. */
export interface ThreadPort {
  /** Set by the owner before the first message can arrive (synchronously after the port is received). */
  onmessage: (message: unknown) => void;
  /** What `transfer` lists is the other thread's from then on. @throws DataCloneError when `message` cannot be cloned. */
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
}

/** In a worker: the way to the thread that started it. */
export interface ParentPort extends ThreadPort {
  /** Bytes that this thread has: heap, and buffers outside it; garbage that is not collected yet counts. */
  memory(): number;
}

/** A thread with a heap and an event loop of its own, in this process. */
export interface WorkerThread extends ThreadPort {
  /** Called once, after the last message, with the reason why it ended. */
  onend: (why: Error) => void;
  /** What it wrote to its standard output and error: they are not the process's. */
  onoutput: (text: string) => void;
  /** Whether the process stays up for it; it does until this is called. */
  keepsProcess(yes: boolean): void;
  /** Ends it whatever it does, as soon as it is not in a call into the operating system. */
  end(): void;
  /** Bytes that the whole process has in memory. */
  processMemory(): number;
}

export interface WorkerOptions {
  /** For people who look at threads. */
  name: string;
  /** Bytes of JavaScript heap at which it is ended by the engine. */
  heap: number;
}

/** Connections and ports: the machine's own, or such as a test has in memory. */
export type Sockets = Pick<Platform, 'connect' | 'listen' | 'openDatagram'>;

export interface Platform {
  /** What `connect` knows, and `udp` where `openDatagram` works. Both throw ConfigurationError for others. */
  readonly protocols: ReadonlySet<ChannelProtocol | 'udp'>;
  connect(protocol: ChannelProtocol, to: Address, options?: ConnectOptions): Promise<Channel>;
  listen(
    protocol: ChannelProtocol,
    at: Address,
    options: ListenOptions,
    onChannel: (channel: Channel) => void,
  ): Promise<Listener>;
  /** With `remote` the socket is connected: the kernel drops datagrams of any other source. */
  openDatagram(options: { local?: Address; remote?: Address }): Promise<DatagramSocket>;
  /** Lower-case hexadecimal digest. */
  hash(algorithm: HashAlgorithm, data: string | Uint8Array): string;
  hasher(algorithm: HashAlgorithm): Hasher;
  /** Reads `source` little ahead of its own reader, and cancels it when it is cancelled. */
  compress(source: ReadableStream<Uint8Array>, format: CompressionFormat): ReadableStream<Uint8Array>;
  /** As `compress`; the stream errors where the data is not of that format, or cut short. */
  decompress(source: ReadableStream<Uint8Array>, format: CompressionFormat): ReadableStream<Uint8Array>;
  /** First index of `pattern` in `bytes` at or after `from`; -1 when it is not there. */
  indexOf(bytes: Uint8Array, pattern: Uint8Array, from?: number): number;
  /**
   * A certificate (the first one in the PEM) as `a=fingerprint` has it: `sha-256 AB:CD:…` (RFC 8122 5).
   * @throws ConfigurationError when it is none.
   */
  certificateFingerprint(pem: string | Uint8Array): string;
  /** Hexadecimal text of `bytes` random octets from a cryptographic source. */
  randomHex(bytes: number): string;
  /** Opens (creating) a durable store in a folder, or one in memory where no folder is given. */
  openStore(folder?: string): Promise<Store>;
  /** In a folder that is made, and emptied; where none is given, in a temporary one. */
  openSpool(folder?: string): Promise<Spool>;
  /** Makes it where it is not there yet; a temporary one where none is given. What was not kept is removed. */
  openFolder(path?: string): Promise<Folder>;
  /** @throws ConfigurationError when there is no such file, or it may not be read. */
  openFile(path: string): Promise<StoredFile>;
  /**
   * IP addresses that a host name stands for; undefined where nobody is told (a browser).
   * @throws TransportError when it stands for none.
   */
  resolve(host: string): Promise<string[] | undefined>;
  /** @throws TransportError when no response came; the reason of `signal` when that ended it. */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** `close` of the listener ends what is under way, too. */
  listenHttp(
    at: Address,
    options: Pick<ListenOptions, 'tls' | 'maxConnections'>,
    answer: (incoming: HttpIncoming) => HttpReply | Promise<HttpReply>,
  ): Promise<Listener>;
  /**
   * Starts a thread that runs an ES module; there `parentPort` of `core/platform/node/parent-port.ts` is its end.
   * @throws ConfigurationError where there are no such threads, or the URL cannot be the script of one.
   */
  startWorker(script: URL, options: WorkerOptions): WorkerThread;
}
