/** Debian's Kamailio as an MSRP relay with the configuration examples/kamailio/msrp-relay.cfg. */

import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import type { RelayAccount } from '../../../core/msrp/index.js';
import type { Certificates } from '../certificates.js';
import { eventually } from '../wait.js';
import { runKamailio } from './kamailio.js';
import { freePorts } from './ports.js';
import type { RunningProcess } from './process.js';

const CONFIG = fileURLToPath(new URL('../../../examples/kamailio/msrp-relay.cfg', import.meta.url));

export interface KamailioRelayOptions {
  algorithm?: 'MD5' | 'SHA-256';
  nonceSeconds?: number;
  /** Limits for the requested lifetime of a URI, in seconds. */
  shortest?: number;
  longest?: number;
  /** Ports of an earlier relay, for a restart. */
  ports?: { tcpPort: number; tlsPort: number };
}

export class KamailioRelay {
  constructor(
    readonly tcpPort: number,
    readonly tlsPort: number,
    readonly certificates: Certificates,
    readonly process: RunningProcess,
    private readonly folder: string,
  ) {}

  uri(protocol: 'tcp' | 'tls'): string {
    return protocol === 'tls'
      ? `msrps://127.0.0.1:${this.tlsPort};tcp`
      : `msrp://127.0.0.1:${this.tcpPort};tcp`;
  }

  account(protocol: 'tcp' | 'tls', username: 'alice' | 'bob' | 'psa'): RelayAccount {
    const credentials = { username, password: `${username}-password` };
    return { uri: this.uri(protocol), credentials, tls: { ca: this.certificates.ca } };
  }

  async stop(): Promise<void> {
    await this.process.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Resolves when the relay listens. */
export async function startKamailioRelay(
  certificates: Certificates,
  options: KamailioRelayOptions = {},
): Promise<KamailioRelay> {
  const { algorithm, nonceSeconds, shortest, longest } = options;
  const { tcpPort, tlsPort } = options.ports ?? (await twoPorts());
  const { running, folder } = await runKamailio(CONFIG, [
    ...['WITH_TCP', 'RELAY_HOST="127.0.0.1"', `TCP_PORT=${tcpPort}`, `TLS_PORT=${tlsPort}`],
    `TLS_CERTIFICATE="${certificates.certFile}"`,
    `TLS_KEY="${certificates.keyFile}"`,
    ...(algorithm ? [`DIGEST_ALGORITHM="${algorithm}"`] : []),
    ...(nonceSeconds ? [`NONCE_SECONDS=${nonceSeconds}`] : []),
    ...(shortest ? [`SHORTEST_EXPIRES=${shortest}`] : []),
    ...(longest ? [`LONGEST_EXPIRES=${longest}`] : []),
  ]);
  const relay = new KamailioRelay(tcpPort, tlsPort, certificates, running, folder);
  const ended = running.exited.then(() => {
    throw new Error(`Kamailio ended: ${running.describe()}`);
  });
  try {
    for (const port of [tcpPort, tlsPort]) {
      const listening = eventually(`Kamailio listens on ${port}`, () => accepts(port));
      await Promise.race([listening, ended]);
    }
  } catch (error) {
    await relay.stop();
    throw error;
  }
  ended.catch(() => undefined);
  return relay;
}

async function twoPorts(): Promise<{ tcpPort: number; tlsPort: number }> {
  const [tcpPort = 0, tlsPort = 0] = await freePorts(2);
  return { tcpPort, tlsPort };
}

async function accepts(port: number): Promise<true | undefined> {
  const socket = net.connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}
