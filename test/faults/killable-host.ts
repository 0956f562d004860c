/** `sip-push host` in a process of its own, with its data on disk, behind the embedded core, which a test can kill and restart. */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PushSenderAgent } from '../../core/sender/sender.js';
import { type Network, startNetwork } from '../../sdk/network/index.js';
import { bob, Folder, type Line, lineOf, linesOf, USERS } from '../cli/sip-push.js';
import { PSA, startSender } from '../support/agents/agents.js';
import type { RunningProcess } from '../support/programs/process.js';
import { eventually } from '../support/wait.js';

export class KillableHost {
  readonly #lives: RunningProcess[] = [];

  private constructor(
    private readonly network: Network,
    readonly folder: Folder,
    readonly sender: PushSenderAgent,
  ) {}

  /** @param configuration beside identity, server, and where its data is. */
  static async start(configuration: object, files: Record<string, string> = {}): Promise<KillableHost> {
    const users = {
      bob: { password: USERS.bob },
      psa: { password: USERS.psa },
    };
    const network = await startNetwork({ users });
    const [server = ''] = network.uris.filter((uri) => uri.includes('tcp'));
    const folder = await Folder.make();
    const { store: _, ...common } = bob(server);
    await folder.write('host.json', { ...common, data: './data', ...configuration });
    for (const [name, text] of Object.entries(files)) await folder.write(name, text);
    const credentials = { username: 'psa', password: USERS.psa };
    const sender = await startSender({ identity: PSA, servers: [server], credentials });
    const host = new KillableHost(network, folder, sender);
    await host.revive();
    return host;
  }

  async stop(): Promise<void> {
    for (const life of this.#lives) await life.stop();
    await this.sender.stop();
    await this.network.close();
    await this.folder.remove();
  }

  /** Starts it, again on the same disk. */
  async revive(): Promise<void> {
    const life = await this.folder.startProcess('host', '--config', 'host.json', '--json');
    this.#lives.push(life);
    await lineOf(life, 'registered');
  }

  async kill(): Promise<void> {
    const life = this.#lives.at(-1);
    life?.kill('SIGKILL');
    await life?.exited;
  }

  /** What applications told in all its lives. */
  told(kind: string): Line[] {
    return this.#lives.flatMap(linesOf).filter((line) => line.event === 'app' && line.kind === kind);
  }

  events(event: string): Line[] {
    return this.#lives.flatMap(linesOf).filter((line) => line.event === event);
  }

  /** The first event of this kind. */
  telling(kind: string): Promise<Line> {
    return eventually(
      () => `${kind}; ${this.#lives.at(-1)?.describe()}`,
      () => this.told(kind)[0],
    );
  }

  /** Paths of the files that it keeps in this folder of its data, whole or not. */
  async files(of: string): Promise<string[]> {
    const found = await readdir(join(this.folder.path, 'data', of), { recursive: true, withFileTypes: true });
    return found.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  }

  /** Until so many bytes of what is on its way are on its disk. */
  async underWay(of: string, bytes: number): Promise<void> {
    await eventually(`${bytes} bytes in ${of}`, async () => {
      const files = await this.files(of).catch(() => []);
      const sizes = await Promise.all(files.map((path) => stat(path).then(({ size }) => size)));
      return sizes.some((size) => size >= bytes) || undefined;
    });
  }
}
