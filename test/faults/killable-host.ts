/** `sip-push host` in a separate process that a test can kill and restart, with its data on disk, behind the embedded core. */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PushSenderAgent } from '../../core/sender/sender.js';
import { type Network, startNetwork } from '../../sdk/network/index.js';
import { bob, Folder, type Line, lineOf, linesOf, USERS } from '../cli/sip-push.js';
import { PSA, startSender } from '../support/agents/agents.js';
import type { RunningProcess } from '../support/programs/process.js';
import { eventually } from '../support/wait.js';

export class KillableHost {
  readonly #runs: RunningProcess[] = [];

  private constructor(
    private readonly network: Network,
    readonly folder: Folder,
    readonly sender: PushSenderAgent,
  ) {}

  /** @param configuration further keys besides the identity, the server and the data folder. */
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
    await host.restart();
    return host;
  }

  async stop(): Promise<void> {
    for (const run of this.#runs) await run.stop();
    await this.sender.stop();
    await this.network.close();
    await this.folder.remove();
  }

  /** Starts the host, with the data of an earlier run if there is any. */
  async restart(): Promise<void> {
    const run = await this.folder.startProcess('host', '--config', 'host.json', '--json');
    this.#runs.push(run);
    await lineOf(run, 'registered');
  }

  async kill(): Promise<void> {
    const run = this.#runs.at(-1);
    run?.kill('SIGKILL');
    await run?.exited;
  }

  /** Events of this kind that applications emitted in all runs. */
  appEvents(kind: string): Line[] {
    return this.#runs.flatMap(linesOf).filter((line) => line.event === 'app' && line.kind === kind);
  }

  events(event: string): Line[] {
    return this.#runs.flatMap(linesOf).filter((line) => line.event === event);
  }

  /** The first event of this kind that an application emitted. */
  firstAppEvent(kind: string): Promise<Line> {
    return eventually(
      () => `${kind}; ${this.#runs.at(-1)?.describe()}`,
      () => this.appEvents(kind)[0],
    );
  }

  /** Paths of the files in this folder of its data, complete or partial. */
  async files(of: string): Promise<string[]> {
    const found = await readdir(join(this.folder.path, 'data', of), { recursive: true, withFileTypes: true });
    return found.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  }

  /** Resolves when a file in this folder has this number of bytes. */
  async underWay(of: string, bytes: number): Promise<void> {
    await eventually(`${bytes} bytes in ${of}`, async () => {
      const files = await this.files(of).catch(() => []);
      const sizes = await Promise.all(files.map((path) => stat(path).then(({ size }) => size)));
      return sizes.some((size) => size >= bytes) || undefined;
    });
  }
}
