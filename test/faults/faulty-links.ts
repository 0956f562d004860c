/** The connections of both ends, with faults: datagrams are dropped and doubled, and connections are reset. */

import { freePort } from '../support/programs/ports.js';
import { randomFrom } from '../support/random.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { startUdpRelay } from '../support/udp-relay.js';
import { ENDS, type End, type Schedule } from './schedule.js';

export class FaultyLinks {
  /** The server of each end. */
  readonly servers: Record<End, string> = { host: '', sender: '' };
  /** The port at which the sender waits for MSRP, and the port that the host connects to. */
  readonly media = { port: 0, proxy: 0 };
  /** The same for published content. */
  readonly publish = { port: 0, proxy: 0 };
  readonly counts = { dropped: 0, doubled: 0, reset: 0 };
  readonly #random: () => number;
  readonly #closing: (() => unknown)[] = [];
  #calm = false;

  private constructor(private readonly schedule: Schedule) {
    this.#random = randomFrom(schedule.seed);
  }

  /** @param core ports of the core. */
  static async start(schedule: Schedule, core: { udp: number; tcp: number }): Promise<FaultyLinks> {
    const links = new FaultyLinks(schedule);
    for (const ports of [links.media, links.publish]) {
      ports.port = await freePort();
      ports.proxy = await links.#proxy(ports.port);
    }
    for (const end of ENDS) {
      const transport = schedule.transport[end];
      const port = transport === 'udp' ? await links.#relay(core.udp) : await links.#proxy(core.tcp);
      links.servers[end] = `sip:127.0.0.1:${port};transport=${transport}`;
    }
    return links;
  }

  /** Ends all faults. */
  calm(): void {
    this.#calm = true;
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close();
  }

  async #relay(port: number): Promise<number> {
    const relay = await startUdpRelay(port, (bytes) => {
      if (this.#happens('dropped')) return [];
      const through = this.#throughProxy(bytes);
      return this.#happens('doubled') ? [through, through] : [through];
    });
    this.#closing.push(() => relay.close());
    return relay.port;
  }

  async #proxy(port: number): Promise<number> {
    const proxy = await startTcpProxy(port, (bytes) =>
      this.#happens('reset') ? undefined : this.#throughProxy(bytes),
    );
    this.#closing.push(() => proxy[Symbol.asyncDispose]());
    return proxy.port;
  }

  #happens(fault: 'dropped' | 'doubled' | 'reset'): boolean {
    if (this.#calm || this.#random() >= this.schedule[fault]) return false;
    this.counts[fault]++;
    return true;
  }

  /** Routes MSRP of the host through the proxy. Both ports have five digits, so that lengths stay correct. */
  #throughProxy(bytes: Uint8Array): Uint8Array {
    const { port, proxy } = this.media;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    if (!text.includes('m=message ')) return bytes;
    return Buffer.from(
      text.replace(`m=message ${port} `, `m=message ${proxy} `).replaceAll(`:${port}/`, `:${proxy}/`),
      'latin1',
    );
  }
}
