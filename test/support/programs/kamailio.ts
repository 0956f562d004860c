/** Debian's Kamailio on free ports, with the configuration examples/kamailio/kamailio.cfg, which it tests. */

import { createSocket } from 'node:dgram';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../wait.js';
import { peerCommand } from './peers.js';
import { freePorts } from './ports.js';
import { type RunningProcess, startProcess } from './process.js';

const CONFIG = fileURLToPath(new URL('../../../examples/kamailio/kamailio.cfg', import.meta.url));
// Shared and private memory in megabytes, enough for hundreds of registrations.
const SHARED_MEMORY = 64;
const OWN_MEMORY = 8;
const ANSWER_MS = 200;
/** Empty tables in Debian's package. */
const TABLES = '/usr/share/kamailio/dbtext/kamailio';

export interface KamailioOptions {
  algorithm?: 'MD5' | 'SHA-256';
  /** Seconds until a nonce is stale. */
  nonceSeconds?: number;
  /** Minimum expiry of a registration in seconds; less gets 423. */
  shortestRegistration?: number;
  /** Paths of PEM files, with which the core also listens for TLS and secure WebSocket. */
  tls?: { certFile: string; keyFile: string };
  /** Enables the registration event package (RFC 3680). */
  regEvents?: boolean;
}

export class Kamailio {
  readonly domain = 'domain.test';
  /** User names and passwords that the configuration knows. */
  readonly users = { alice: 'alice-password', bob: 'bob-password', psa: 'psa-password' } as const;

  constructor(
    /** UDP, TCP and WebSocket. */
    readonly port: number,
    /** Trusted UDP and TCP port, for a sender that does not register. */
    readonly trustedPort: number,
    /** TLS and secure WebSocket; closed without `tls`. */
    readonly tlsPort: number,
    readonly process: RunningProcess,
    readonly folders: readonly string[],
  ) {}

  /** URI for clients, such as `sip:127.0.0.1:20001;transport=udp`. */
  server(transport: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'): string {
    const port = transport === 'tls' || transport === 'wss' ? this.tlsPort : this.port;
    return `sip:127.0.0.1:${port};transport=${transport}`;
  }

  /** URI for application servers. */
  trustedServer(transport: 'udp' | 'tcp'): string {
    return `sip:127.0.0.1:${this.trustedPort};transport=${transport}`;
  }

  async stop(): Promise<void> {
    await this.process.stop();
    for (const folder of this.folders) await rm(folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Resolves when Kamailio answers OPTIONS. */
export async function startKamailio(options: KamailioOptions = {}): Promise<Kamailio> {
  const [port = 0, trustedPort = 0, tlsPort = 0] = await freePorts(3);
  const tables = options.regEvents ? await mkdtemp(join(tmpdir(), 'sip-push-kamailio-tables-')) : undefined;
  if (tables !== undefined) await cp(TABLES, tables, { recursive: true });
  const { running, folder } = await runKamailio(CONFIG, [
    `SIP_PORT=${port}`,
    `TRUSTED_PORT=${trustedPort}`,
    `TLS_PORT=${tlsPort}`,
    ...(options.algorithm ? [`DIGEST_ALGORITHM="${options.algorithm}"`] : []),
    ...(options.nonceSeconds ? [`NONCE_SECONDS=${options.nonceSeconds}`] : []),
    ...(options.shortestRegistration ? [`SHORTEST_REGISTRATION=${options.shortestRegistration}`] : []),
    ...(options.tls
      ? ['WITH_TLS', `TLS_CERTIFICATE="${options.tls.certFile}"`, `TLS_KEY="${options.tls.keyFile}"`]
      : []),
    ...(tables === undefined
      ? []
      : [
          'WITH_REG_EVENTS',
          `REG_EVENT_TABLES="text://${tables}"`,
          `NOTIFIER="sip:127.0.0.1:${trustedPort}"`,
        ]),
  ]);
  const kamailio = new Kamailio(port, trustedPort, tlsPort, running, [
    folder,
    ...(tables === undefined ? [] : [tables]),
  ]);
  const ended = running.exited.then(() => {
    throw new Error(`Kamailio ended: ${running.describe()}`);
  });
  try {
    await Promise.race([eventually('Kamailio answers OPTIONS', () => answersOptions(port)), ended]);
  } catch (error) {
    await kamailio.stop();
    throw error;
  }
  ended.catch(() => undefined);
  return kamailio;
}

/** @param settings definitions for the option `-A`. */
export async function runKamailio(
  config: string,
  settings: readonly string[],
): Promise<{ running: RunningProcess; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'sip-push-kamailio-'));
  const running = await startProcess(peerCommand('kamailio'), [
    // In the foreground, its log on stderr.
    '-DD',
    '-E',
    ...['-f', config, '-Y', folder, '-w', folder],
    ...['-m', String(SHARED_MEMORY), '-M', String(OWN_MEMORY)],
    ...settings.flatMap((setting) => ['-A', setting]),
  ]);
  return { running, folder };
}

async function answersOptions(port: number): Promise<true | undefined> {
  const socket = createSocket('udp4');
  // Nothing listens yet, so the socket may report an error.
  socket.on('error', () => undefined);
  const branch = `z9hG4bK${Math.random().toString(36).slice(2)}`;
  const lines = [
    `OPTIONS sip:127.0.0.1:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1;rport;branch=${branch}`,
    'Max-Forwards: 70',
    `From: <sip:probe@127.0.0.1>;tag=${branch}`,
    `To: <sip:127.0.0.1:${port}>`,
    `Call-ID: ${branch}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
  ];
  const answered = new Promise<true | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ANSWER_MS);
    socket.once('message', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
  socket.send(`${lines.join('\r\n')}\r\n\r\n`, port, '127.0.0.1');
  const result = await answered;
  socket.close();
  return result;
}
