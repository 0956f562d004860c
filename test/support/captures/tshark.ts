/** Captures test traffic on the loopback interface with dumpcap. */

import { createSocket } from 'node:dgram';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerCommand } from '../programs/peers.js';
import { freePort } from '../programs/ports.js';
import { type RunningProcess, startProcess } from '../programs/process.js';
import { eventually } from '../wait.js';
import { asSip, findMalformed, type MalformedFrame, type Ports, readFields } from './dissection.js';

// Buffer of the kernel for packets that dumpcap has not read yet; tests transfer several MiB at once.
const BUFFER_MEBIBYTES = 64;

export class Capture {
  /** Path of the pcapng file, until `remove`. */
  readonly file: string;
  readonly #ports: Ports;
  readonly #folder: string;
  readonly #dumpcap: RunningProcess;
  readonly #markerPort: number;

  private constructor(
    folder: string,
    file: string,
    ports: Ports,
    dumpcap: RunningProcess,
    markerPort: number,
  ) {
    this.#folder = folder;
    this.file = file;
    this.#ports = ports;
    this.#dumpcap = dumpcap;
    this.#markerPort = markerPort;
  }

  /** Resolves when the capture is running. */
  static async start(ports: Ports): Promise<Capture> {
    const folder = await mkdtemp(join(tmpdir(), 'sip-push-capture-'));
    const file = join(folder, 'capture.pcapng');
    const markerPort = await freePort();
    const captured = new Set([...ports.sip, ...(ports.websocket ?? []), ...(ports.msrp ?? []), markerPort]);
    const filter = [...captured].map((port) => `port ${port}`).join(' or ');
    const dumpcap = await startProcess(peerCommand('dumpcap'), [
      ...['-q', '-i', 'lo', '-B', String(BUFFER_MEBIBYTES), '-f', filter, '-w', file],
    ]);
    const capture = new Capture(folder, file, ports, dumpcap, markerPort);
    try {
      await capture.#mark('first');
      return capture;
    } catch (error) {
      await capture.remove();
      throw error;
    }
  }

  /** Resolves when all packets sent so far are in the file. */
  async stop(): Promise<void> {
    await this.#mark('last');
    this.#dumpcap.kill('SIGINT');
    await this.#dumpcap.exited;
  }

  async remove(): Promise<void> {
    await this.#dumpcap.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }

  /** Frames with SIP that tshark reports as malformed. Call it after `stop`. */
  async malformed(): Promise<MalformedFrame[]> {
    return await findMalformed(this.file, this.#ports, this.#noMarker);
  }

  /** For each frame that matches the display filter: its number, then the fields. Call it after `stop`. */
  fields(filter: string, names: readonly string[]): Promise<string[][]> {
    return readFields(this.file, `(${filter}) && ${this.#noMarker}`, names, asSip(this.#ports));
  }

  get #noMarker(): string {
    return `!(udp.port == ${this.#markerPort})`;
  }

  /**
   * Sends a datagram until it is in the file. The kernel delivers packets in order, so all earlier packets are in the
   * file, too.
   */
  async #mark(text: string): Promise<void> {
    const marker = `sip-push ${text} ${this.#markerPort}`;
    const socket = createSocket('udp4');
    // There is no listener on this port, so the socket may report an error.
    socket.on('error', () => undefined);
    const ended = this.#dumpcap.exited.then(() => {
      throw new Error(`dumpcap exited: ${this.#dumpcap.describe()}`);
    });
    const written = eventually(`dumpcap writes (${text})`, async () => {
      socket.send(marker, this.#markerPort, '127.0.0.1');
      const bytes = await readFile(this.file).catch(() => Buffer.alloc(0));
      return bytes.includes(marker) || undefined;
    });
    try {
      await Promise.race([written, ended]);
    } finally {
      socket.close();
      ended.catch(() => undefined);
    }
  }
}
