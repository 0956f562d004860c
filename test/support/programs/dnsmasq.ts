/** A DNS server: Debian's dnsmasq with the records of a test, on a port of 127.0.0.1. */

import dns from 'node:dns';
import { peerCommand } from './peers.js';
import { freePort } from './ports.js';
import { type RunningProcess, startProcess } from './process.js';

export interface DnsZone {
  /** Addresses by name. */
  hosts?: Readonly<Record<string, readonly string[]>>;
  /** `_sip._udp.domain.test,target.domain.test,5060,priority,weight` */
  srv?: readonly string[];
  /** `domain.test,order,preference,flags,service,regexp,replacement` */
  naptr?: readonly string[];
  /** Seconds. */
  ttl?: number;
}

export class DnsServer {
  readonly #port: number;
  #process: RunningProcess | undefined;
  readonly #systemServers = dns.getServers();

  private constructor(port: number) {
    this.#port = port;
  }

  /** Becomes the DNS server of this process until it is stopped. */
  static async start(zone: DnsZone): Promise<DnsServer> {
    const server = new DnsServer(await freePort());
    dns.setServers([`127.0.0.1:${server.#port}`]);
    await server.serve(zone);
    return server;
  }

  /** Serves other records, on the same port. */
  async serve({ hosts = {}, srv = [], naptr = [], ttl = 60 }: DnsZone): Promise<void> {
    await this.#process?.stop();
    const addresses = Object.entries(hosts).flatMap(([name, found]) =>
      found.map((each) => `${name},${each},${ttl}`),
    );
    const running = await startProcess(peerCommand('dnsmasq'), [
      '--keep-in-foreground',
      '--log-facility=-',
      '--log-queries',
      // No configuration, no user to change to, no upstream server.
      ...['--conf-file=/dev/null', '--user=', '--group=', '--no-resolv', '--no-hosts', '--local=/test/'],
      ...['--bind-interfaces', '--listen-address=127.0.0.1', `--port=${this.#port}`, '--pid-file='],
      `--local-ttl=${ttl}`,
      ...addresses.map((each) => `--host-record=${each}`),
      ...srv.map((each) => `--srv-host=${each}`),
      ...naptr.map((each) => `--naptr-record=${each}`),
    ]);
    this.#process = running;
    await running.line(/started, version/);
  }

  /** Queries so far, `SRV _sip._udp.domain.test`. */
  get queries(): string[] {
    const lines = [...(this.#process?.stderr ?? []), ...(this.#process?.stdout ?? [])];
    return lines.flatMap((line) => {
      const [, type, name] = /query\[(\w+)\] (\S+) from/.exec(line) ?? [];
      return type === undefined ? [] : [`${type} ${name}`];
    });
  }

  async stop(): Promise<void> {
    dns.setServers(this.#systemServers);
    await this.#process?.stop();
  }
}
