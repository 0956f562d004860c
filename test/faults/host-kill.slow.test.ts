/** `sip-push host` is killed (SIGKILL) repeatedly while pushes arrive: no acknowledged push is lost or duplicated. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { memoryContent } from '../../core/content/content.js';
import { BOB, startSender } from '../support/agents/agents.js';
import { receiptOf } from '../support/agents/receipts.js';
import { type Kamailio, startKamailio } from '../support/programs/kamailio.js';
import { describePeer } from '../support/programs/peers.js';
import { type RunningProcess, startProcess } from '../support/programs/process.js';
import { scale } from '../support/scale.js';
import { eventually } from '../support/wait.js';

const CLI = fileURLToPath(new URL('../../dist/sdk/cli/main.js', import.meta.url));
const APP = fileURLToPath(new URL('./counting-app.mjs', import.meta.url));
const TEXT = { type: 'text/plain', parameters: {} };
/** Concurrent pushes, so that kills interrupt pushes at every stage. */
const SENDERS = 8;
const RUNS = scale(10, 100);

describePeer('kamailio', 'a host that is killed', () => {
  it.concurrent.for(['udp', 'tcp'] as const)(
    '8.1.1-03, 8.1.1-05: over %s, every push answered 200 reaches its application exactly once',
    async (transport, { onTestFinished }) => {
      const core = await startKamailio();
      onTestFinished(() => core.stop());
      const folder = await mkdtemp(join(tmpdir(), 'sip-push-kill-'));
      onTestFinished(() => rm(folder, { recursive: true }));
      await writeFile(join(folder, 'host.json'), JSON.stringify(configuration(core, transport)));
      const sender = await startSender({ servers: [core.trustedServer('udp')] });
      onTestFinished(() => sender.stop());

      const startHost = async (): Promise<RunningProcess> => {
        const args = [CLI, 'host', '--config', join(folder, 'host.json'), '--json'];
        const host = await startProcess(process.execPath, args);
        onTestFinished(() => host.stop().then(() => {}));
        await host.line(/"event":"registered"/);
        return host;
      };
      const acknowledged = new Set<string>();
      let serial = 0;
      // A request to a killed host waits for a timer of the core, so each run of the host has its own senders.
      const pushDuring = async (run: { over: boolean }) => {
        while (!run.over) {
          const text = `push ${serial++}`;
          const content = memoryContent(TEXT, Buffer.from(text));
          const receipt = await receiptOf(sender.send({ to: BOB, app: 'count.ua', content }));
          if (receipt.outcome === 'delivered') acknowledged.add(text);
        }
      };
      const senders: Promise<void>[] = [];
      for (let run = 0; run < RUNS; run++) {
        const host = await startHost();
        const current = { over: false };
        senders.push(...Array.from({ length: SENDERS }, () => pushDuring(current)));
        const enough = acknowledged.size + 20 + run;
        await eventually(`${enough} acknowledged pushes`, () => acknowledged.size >= enough || undefined);
        host.kill('SIGKILL');
        await host.exited;
        current.over = true;
      }
      await Promise.all(senders);
      const last = await startHost();
      last.kill('SIGTERM');
      expect((await last.exited).code).toBe(0);

      const counts = await countsOf(await startHost());
      const lost = [...acknowledged].filter((text) => counts[text] === undefined);
      expect(lost).toEqual([]);
      expect(Object.entries(counts).filter(([, count]) => count !== 1)).toEqual([]);
      expect(acknowledged.size).toBeGreaterThan(20 * RUNS);
    },
  );
});

function configuration(core: Kamailio, transport: 'udp' | 'tcp') {
  return {
    identity: BOB,
    server: core.server(transport),
    username: 'bob',
    password: 'bob-password',
    trust: ['sip:psa@domain.test'],
    apps: [APP],
  };
}

async function countsOf(host: RunningProcess): Promise<Record<string, number>> {
  const line = await host.line(/"kind":"counts"/);
  const { counts }: { counts: Record<string, number> } = JSON.parse(line);
  return counts;
}
