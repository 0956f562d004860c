/** A network in memory: machines with addresses, ports and connections, without real sockets. */

import { setImmediate } from 'node:timers';
import { TransportError } from '../../core/errors.js';
import type {
  Address,
  Channel,
  ChannelProtocol,
  ConnectOptions,
  DatagramSocket,
  Listener,
  ListenOptions,
  Sockets,
} from '../../core/platform/sockets.js';
import { MemoryChannel } from './memory-channel.js';

/** First dynamic port (RFC 6335 §6). */
const FIRST_PORT = 49_152;

export class MemoryNetwork {
  readonly #machines = new Map<string, MemoryMachine>();

  /** Adds a machine with this address, replacing an earlier one. */
  machine(host: string): MemoryMachine {
    const machine = new MemoryMachine(host, (to) => this.#machines.get(to));
    this.#machines.set(host, machine);
    return machine;
  }
}

/** The sockets of a machine. */
export class MemoryMachine implements Sockets {
  readonly #listeners = new Map<number, (channel: Channel) => void>();
  readonly #channels = new Set<MemoryChannel>();
  #port = FIRST_PORT;
  #dead = false;

  constructor(
    private readonly host: string,
    private readonly find: (host: string) => MemoryMachine | undefined,
  ) {}

  async connect(protocol: ChannelProtocol, to: Address, { signal }: ConnectOptions = {}): Promise<Channel> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    const peer = this.find(to.host);
    const accept = peer?.acceptor(to.port);
    if (this.#dead || !peer || !accept) {
      throw new TransportError(`${protocol} connection to ${to.host}:${to.port} failed: no listener`);
    }
    const [near, far] = MemoryChannel.pair(protocol, { host: this.host, port: this.#port++ }, to);
    this.#note(near);
    peer.#note(far);
    accept(far);
    return near;
  }

  async listen(
    protocol: ChannelProtocol,
    at: Address,
    _options: ListenOptions,
    onChannel: (channel: Channel) => void,
  ): Promise<Listener> {
    const port = at.port === 0 ? this.#port++ : at.port;
    if (this.#dead || at.host !== this.host || this.#listeners.has(port)) {
      throw new TransportError(
        `cannot listen on ${at.host}:${port} (${protocol}): the port is in use, or the address belongs to another machine`,
      );
    }
    this.#listeners.set(port, onChannel);
    return {
      address: { host: this.host, port },
      close: async () => void this.#listeners.delete(port),
    };
  }

  async openDatagram(): Promise<DatagramSocket> {
    throw new TransportError('a network in memory has no datagrams: use ;transport=tcp');
  }

  acceptor(port: number): ((channel: Channel) => void) | undefined {
    return this.#dead ? undefined : this.#listeners.get(port);
  }

  /** Cuts the power: closes all connections and refuses new ones. */
  cutPower(): void {
    this.#dead = true;
    for (const channel of this.#channels) channel.destroy();
    this.#channels.clear();
  }

  #note(channel: MemoryChannel): void {
    for (const known of this.#channels) if (known.over) this.#channels.delete(known);
    this.#channels.add(channel);
  }
}
