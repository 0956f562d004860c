/** Debian's linphone-daemon as a registered user of a core, controlled by its standard input. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../wait.js';
import { peerCommand } from './peers.js';
import { type RunningProcess, startProcess } from './process.js';

export interface LinphoneOptions {
  /** A user of the core, with its password. */
  user: string;
  password: string;
  domain: string;
  /** `sip:127.0.0.1:5060;transport=udp` */
  server: string;
}

function configurationOf({ user, password, domain, server }: LinphoneOptions): string {
  return [
    '[sip]',
    // Free ports.
    'sip_port=-1',
    'sip_tcp_port=-1',
    'sip_tls_port=0',
    'use_ipv6=0',
    'default_proxy=0',
    '[proxy_0]',
    `reg_proxy=<${server}>`,
    `reg_route=<${server};lr>`,
    `reg_identity=sip:${user}@${domain}`,
    'reg_expires=600',
    'reg_sendregister=1',
    '[auth_info_0]',
    `username=${user}`,
    `passwd=${password}`,
    `domain=${domain}`,
    '',
  ].join('\n');
}

export class Linphone {
  private constructor(
    private readonly process: RunningProcess,
    private readonly folder: string,
  ) {}

  /** Resolves when it is registered. */
  static async start(options: LinphoneOptions): Promise<Linphone> {
    const folder = await mkdtemp(join(tmpdir(), 'sip-push-linphone-'));
    // It fails without the folder of its database.
    await mkdir(join(folder, '.local/share/linphone'), { recursive: true });
    const config = join(folder, 'linphonerc');
    await writeFile(config, configurationOf(options));
    const { PATH } = globalThis.process.env;
    const process = await startProcess(
      peerCommand('linphone-daemon'),
      ['--config', config, '--log', join(folder, 'log')],
      { cwd: folder, env: { PATH, HOME: folder } },
    );
    const linphone = new Linphone(process, folder);
    await linphone.line(/LinphoneRegistrationOk/, 'register-status ALL');
    return linphone;
  }

  /**
   * The first line of its output that matches.
   * @param command is repeated until then.
   */
  line(pattern: RegExp, command?: string): Promise<string> {
    const output = () => [...this.process.stdout, ...this.process.stderr];
    return eventually(
      () => `${pattern} in the output of linphone: ${output().join('\n')}`,
      () => {
        const found = output().find((text) => pattern.test(text));
        if (found === undefined && command !== undefined) this.#command(command);
        return found;
      },
    );
  }

  /** Sends a MESSAGE. */
  message(to: string, text: string): void {
    this.#command(`message ${to} ${text}`);
  }

  /** It de-registers. */
  async stop(): Promise<void> {
    this.#command('quit');
    await this.process.ended();
    await rm(this.folder, { recursive: true, force: true });
  }

  #command(text: string): void {
    this.process.stdin.write(`${text}\n`);
  }
}
