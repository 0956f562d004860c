/** `sip-push host` retrieves a 5 MiB MMS after its notification, while the MMSC or the host is killed. */

import { readFile } from 'node:fs/promises';
import { memoryContent } from 'sip-push/formats';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { BOB } from '../support/agents/agents.js';
import { halfUntil, Mmsc, partInEvent, pictureAndText, retrievalOf } from '../support/agents/mmsc.js';
import { receiptOf } from '../support/agents/receipts.js';
import { printKills } from '../support/kill-report.js';
import { eventually } from '../support/wait.js';
import { KillableHost } from './killable-host.js';

const MIB = 1024 * 1024;
const NEVER = new Promise<never>(() => {});
const PARTS = pictureAndText(5 * MIB);
const EVENT_PARTS = PARTS.map((part, index) => partInEvent(part, ['beach.jpg', 'greeting'][index] ?? ''));

let mmsc: Mmsc;
let host: KillableHost;
beforeEach(async () => {
  mmsc = await Mmsc.start();
});
afterEach(async () => {
  await host.stop();
  await mmsc.close();
});

async function notify(options: object, transactionId?: string): Promise<void> {
  host = await KillableHost.start({
    apps: [{ use: 'mms.ua', options }],
    fetch: { allow: ['http://127.0.0.1:*'] },
  });
  const pdu = retrievalOf(PARTS, transactionId === undefined ? {} : { transactionId });
  const type = { type: 'application/vnd.wap.mms-message', parameters: {} };
  const content = memoryContent(type, mmsc.store('T1', pdu));
  const receipt = await receiptOf(host.sender.send({ to: BOB, app: 'mms.ua', content }));
  expect(receipt).toMatchObject({ outcome: 'delivered', mode: 'pager' });
}

const posted = (count: number) =>
  eventually(`${count} posted PDUs; ${JSON.stringify(mmsc.posted)}`, () =>
    mmsc.posted.length >= count ? true : undefined,
  );

/** The message has one event, its parts are on disk unchanged, and there are no other files. */
async function expectWhole(): Promise<void> {
  expect(host.appEvents('message')).toEqual([
    {
      event: 'app',
      id: expect.any(String),
      app: 'mms.ua',
      kind: 'message',
      transactionId: 'T1',
      subject: 'Greetings',
      parts: EVENT_PARTS.map((part) => expect.objectContaining({ ...part, path: expect.any(String) })),
    },
  ]);
  expect(host.appEvents('notification')).toHaveLength(1);
  const files = await host.files('files');
  const digests = await Promise.all(
    files.map(async (path) => platform.hash('sha-256', await readFile(path))),
  );
  expect(digests.sort()).toEqual(EVENT_PARTS.map(({ sha256 }) => sha256).sort());
}

function printMessages(kills: number): void {
  const effects = [host.appEvents('message').length];
  printKills('mms-kill', { mode: 'pager', kills: { host: kills }, accepted: 1, effects });
}

describe('a 5 MiB MMS', () => {
  it('is announced by a push, retrieved, and confirmed to the MMSC', async () => {
    await notify({ retrieve: 'immediate' });
    await host.firstAppEvent('message');
    await posted(1);
    await expectWhole();
    expect(mmsc.retrievals).toEqual(['/T1']);
    expect(mmsc.posted).toMatchObject([
      { pdu: 'M-NotifyResp.ind', fields: { transactionId: 'T1', status: 'retrieved' } },
    ]);
  });

  it('is deferred, retrieved later, and acknowledged', async () => {
    await notify({ retrieve: 'deferred', after: 1 }, 'R1');
    await host.firstAppEvent('message');
    await posted(2);
    await expectWhole();
    expect(mmsc.posted).toMatchObject([
      { pdu: 'M-NotifyResp.ind', fields: { transactionId: 'T1', status: 'deferred' } },
      { pdu: 'M-Acknowledge.ind', fields: { transactionId: 'R1' } },
    ]);
  });

  it('arrives completely and once when the MMSC, then the host, are killed during the retrieval', async () => {
    mmsc.answers = [halfUntil(NEVER), halfUntil(NEVER)];
    await notify({ retrieve: 'deferred', after: 1 }, 'R1');
    await host.underWay('files', MIB);
    const restartMmsc = await mmsc.kill();
    await restartMmsc();
    // The second attempt.
    await eventually('another retrieval', () => mmsc.retrievals[1]);
    await host.underWay('files', MIB);
    await host.kill();
    await host.restart();
    await host.firstAppEvent('message');
    await posted(2);
    await expectWhole();
    expect(mmsc.retrievals).toHaveLength(3);
    expect(mmsc.posted.map(({ pdu }) => pdu)).toEqual(['M-NotifyResp.ind', 'M-Acknowledge.ind']);
    // The host does not repeat its answers after another restart.
    await host.kill();
    await host.restart();
    await expectWhole();
    printMessages(2);
    expect(mmsc.retrievals).toHaveLength(3);
    expect(mmsc.posted).toHaveLength(2);
  });

  it('is confirmed after a restart when the host is killed while it confirms', async () => {
    mmsc.postStatuses = [0];
    await notify({ retrieve: 'immediate' });
    await host.firstAppEvent('message');
    await posted(1);
    await host.kill();
    await host.restart();
    await posted(2);
    // The answer is sent at least once; the repeated one is identical, so the MMSC can recognize it.
    expect(mmsc.posted[1]).toEqual(mmsc.posted[0]);
    await expectWhole();
    printMessages(1);
    expect(mmsc.retrievals).toEqual(['/T1']);
  });
});
