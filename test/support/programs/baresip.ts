/** Debian's baresip as a registered user of a core, controlled by its console. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../wait.js';
import { peerCommand } from './peers.js';
import { type RunningProcess, startProcess } from './process.js';

export interface BaresipOptions {
  /** A user of the core, with its password. */
  user: string;
  password: string;
  domain: string;
  /** `sip:127.0.0.1:5060;transport=udp` */
  server: string;
  /** The URI for the messages of this user. */
  contact: string;
}

/** Without audio and video. */
const CONFIG = [
  'sip_listen 127.0.0.1:0',
  'module_path /usr/lib/baresip/modules',
  ...['stdio.so', 'account.so', 'uuid.so'].map((name) => `module ${name}`),
  ...['menu.so', 'contact.so'].map((name) => `module_app ${name}`),
  '',
].join('\n');

export class Baresip {
  private constructor(
    private readonly process: RunningProcess,
    private readonly folder: string,
  ) {}

  /** Resolves when it is registered. */
  static async start({ user, password, domain, server, contact }: BaresipOptions): Promise<Baresip> {
    const folder = await mkdtemp(join(tmpdir(), 'sip-push-baresip-'));
    const account = `<sip:${user}@${domain}>;auth_pass=${password};outbound="${server}";regint=600`;
    await writeFile(join(folder, 'config'), CONFIG);
    await writeFile(join(folder, 'accounts'), `${account}\n`);
    await writeFile(join(folder, 'contacts'), `"peer" <${contact}>\n`);
    await writeFile(join(folder, 'current_contact'), `${contact}\n`);
    const process = await startProcess(peerCommand('baresip'), ['-f', folder]);
    const baresip = new Baresip(process, folder);
    await baresip.line(/200 OK/);
    return baresip;
  }

  /** The first line of its output that matches. */
  line(pattern: RegExp): Promise<string> {
    const output = () => [...this.process.stdout, ...this.process.stderr];
    return eventually(
      () => `${pattern} in the output of baresip: ${output().join('\n')}`,
      () => output().find((text) => pattern.test(text)),
    );
  }

  /** Sends a MESSAGE to the contact. */
  message(text: string): void {
    this.process.stdin.write(`/message ${text}\n`);
  }

  async stop(): Promise<void> {
    await this.process.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
