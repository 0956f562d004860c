/** Bounds of what a listener holds for its peers: connections and bytes, for each address and in total. */

import { TransportError } from '../errors.js';

/** Bounds of a listener. At each of them, the peer that uses the most gives way. */
export interface ListenLimits {
  /** Concurrent connections, including unfinished handshakes; further ones are refused. */
  connections: number;
  /** The same for one address: an IPv4 address, or a /64 of IPv6. */
  connectionsPerAddress: number;
  /** Bytes of unfinished messages, and of messages that their peers have not read. */
  heldBytes: number;
  /** The same for one address. */
  heldBytesPerAddress: number;
  /** How long a message can take from its first byte to its last, in milliseconds. */
  messageTimeout: number;
}

const MEBIBYTE = 1024 * 1024;

export const LISTEN_LIMITS: ListenLimits = {
  // About 20 KB each with TLS: 200 MB.
  connections: 10_000,
  // Devices behind one NAT share its address.
  connectionsPerAddress: 2_000,
  heldBytes: 128 * MEBIBYTE,
  heldBytesPerAddress: 32 * MEBIBYTE,
  // The largest SIP message, 1 MiB, at 300 kbit/s.
  messageTimeout: 30_000,
};

/** The connections and bytes of one address. */
interface Share {
  readonly peer: string;
  connections: number;
  held: number;
  readonly holdings: Set<Holding>;
}

/** The bounds of one listener. When one is reached, the peer that uses the most gives way. */
export class ListenerBounds {
  readonly #shares = new Map<string, Share>();
  #connections = 0;
  #held = 0;

  constructor(readonly limits: ListenLimits) {}

  /** @returns the function that ends the connection's use; undefined if the connection is refused. */
  admit(host: string): (() => void) | undefined {
    const share = this.#shareOf(host);
    const { connections, connectionsPerAddress } = this.limits;
    if (this.#connections >= connections || share.connections >= connectionsPerAddress) {
      this.#forget(share);
      return undefined;
    }
    this.#connections++;
    share.connections++;
    return () => {
      this.#connections--;
      share.connections--;
      this.#forget(share);
    };
  }

  /** @param close closes the connection, because a bound is reached. */
  holding(host: string, close: (error: Error) => void): Holding {
    const share = this.#shareOf(host);
    const holding = new Holding(this.limits.messageTimeout, close, (change) =>
      this.#changed(share, holding, change),
    );
    return holding;
  }

  #changed(share: Share, holding: Holding, change: number): void {
    this.#held += change;
    share.held += change;
    if (holding.bytes > 0) {
      share.holdings.add(holding);
      // It may have been forgotten while nothing was held.
      this.#shares.set(share.peer, share);
    } else {
      share.holdings.delete(holding);
      this.#forget(share);
    }
    if (change <= 0) return;
    const { heldBytes, heldBytesPerAddress } = this.limits;
    if (share.held > heldBytesPerAddress) closeLargest(share, heldBytesPerAddress);
    if (this.#held > heldBytes)
      closeLargest(
        largest(this.#shares.values(), ({ held }) => held),
        heldBytes,
      );
  }

  #shareOf(host: string): Share {
    const peer = peerOf(host);
    const known = this.#shares.get(peer);
    if (known) return known;
    const share: Share = { peer, connections: 0, held: 0, holdings: new Set() };
    this.#shares.set(peer, share);
    return share;
  }

  #forget({ peer, connections, holdings }: Share): void {
    if (connections === 0 && holdings.size === 0) this.#shares.delete(peer);
  }
}

/** The bytes that are held for one connection. */
export class Holding {
  #unfinished = 0;
  #unsent = 0;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  constructor(
    private readonly messageTimeout: number,
    private readonly close: (error: Error) => void,
    private readonly onChange: (change: number) => void,
  ) {}

  get bytes(): number {
    return this.#unfinished + this.#unsent;
  }

  /** Sets the bytes that are held of an unfinished message; 0 when it is finished. */
  unfinished(bytes: number): void {
    if (this.#over || bytes === this.#unfinished) return;
    if (bytes === 0) {
      clearTimeout(this.#deadline);
    } else if (this.#unfinished === 0) {
      const { messageTimeout } = this;
      this.#deadline = setTimeout(
        () => this.end(new TransportError(`a message took more than ${messageTimeout / 1000} s`)),
        messageTimeout,
      );
    }
    const change = bytes - this.#unfinished;
    this.#unfinished = bytes;
    this.onChange(change);
  }

  /** Sets the bytes that the peer has not read. */
  unsent(bytes: number): void {
    if (this.#over || bytes === this.#unsent) return;
    const change = bytes - this.#unsent;
    this.#unsent = bytes;
    this.onChange(change);
  }

  /** Releases everything. @param error closes the connection. */
  end(error?: Error): void {
    if (this.#over) return;
    this.unfinished(0);
    this.unsent(0);
    this.#over = true;
    if (error) this.close(error);
  }
}

function closeLargest(share: Share | undefined, limit: number): void {
  const holding = share && largest(share.holdings, ({ bytes }) => bytes);
  holding?.end(
    new TransportError(
      `the listener holds ${limit} bytes of unfinished and unread messages, its limit; this connection has the most`,
    ),
  );
}

function largest<T>(items: Iterable<T>, sizeOf: (item: T) => number): T | undefined {
  let found: T | undefined;
  let size = 0;
  for (const item of items) {
    if (sizeOf(item) <= size) continue;
    found = item;
    size = sizeOf(item);
  }
  return found;
}

const GROUPS = 8;
const GROUPS_OF_A_NETWORK = 4;

/** A peer is an IPv4 address or a /64 of IPv6, the smallest network that one customer has. */
export function peerOf(host: string): string {
  if (!host.includes(':') || host.startsWith('::ffff:')) return host;
  const [head = '', tail] = host.split('%', 1)[0]?.split('::') ?? [];
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, GROUPS - first.length - last.length);
  const groups = [...first, ...Array.from({ length: zeros }, () => '0'), ...last];
  return `${groups.slice(0, GROUPS_OF_A_NETWORK).join(':')}::/64`;
}
