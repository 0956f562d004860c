/** A Push Proxy Gateway: Debian's Kannel, with ports of its own on 127.0.0.1. Its connectionless pushes go to port 2948. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerCommand } from './peers.js';
import { freePorts } from './ports.js';
import { type RunningProcess, startProcess } from './process.js';

export const KANNEL_USER = { username: 'pi', password: 'secret' };

export class Kannel {
  private constructor(
    /** URL for PAP. */
    readonly url: string,
    private readonly folder: string,
    private readonly processes: readonly RunningProcess[],
  ) {}

  static async start(): Promise<Kannel> {
    const [admin, wapbox, ppg] = await freePorts(3);
    const folder = await mkdtemp(join(tmpdir(), 'sip-push-kannel-'));
    const file = join(folder, 'kannel.conf');
    await writeFile(file, configuration(Number(admin), Number(wapbox), Number(ppg)));
    const bearerbox = await startProcess(peerCommand('bearerbox'), ['-v', '0', file]);
    await bearerbox.line(/MAIN: Start-up done/);
    const box = await startProcess(peerCommand('wapbox'), ['-v', '0', file]);
    await box.line(/HTTP: Opening server at port/);
    return new Kannel(`http://127.0.0.1:${ppg}/wappush`, folder, [box, bearerbox]);
  }

  async stop(): Promise<void> {
    for (const process of this.processes) await process.stop();
    await rm(this.folder, { recursive: true });
  }
}

function configuration(admin: number, wapbox: number, ppg: number): string {
  return `
group = core
admin-port = ${admin}
admin-password = x
wapbox-port = ${wapbox}
wdp-interface-name = "127.0.0.1"

group = wapbox
bearerbox-host = 127.0.0.1

group = ppg
ppg-url = /wappush
ppg-port = ${ppg}
concurrent-pushes = 10
users = 10
ppg-allow-ip = 127.0.0.1
trusted-pi = false

group = wap-push-user
wap-push-user = ${KANNEL_USER.username}
ppg-username = ${KANNEL_USER.username}
ppg-password = ${KANNEL_USER.password}
allow-ip = 127.0.0.1
`;
}
