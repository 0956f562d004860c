/** Many simultaneous sessions on one host: all finish, and none waits for all others. */

import { expect, it } from 'vitest';
import { platform } from '#platform';
import { memoryContent } from '../../../core/content/content.js';
import { BOB, startSender } from '../../support/agents/agents.js';
import { FilePushes, MEBIBYTE, printedEvents } from '../../support/agents/file-pushes.js';
import { startKamailio } from '../../support/programs/kamailio.js';
import { describePeer } from '../../support/programs/peers.js';

const SESSIONS = 200;
const TYPE = { type: 'application/octet-stream', parameters: {} };

/** 1 MiB, different from all others. */
function content(index: number): Uint8Array {
  const bytes = new Uint8Array(MEBIBYTE).fill(index);
  bytes[MEBIBYTE - 1] = index + 1;
  return bytes;
}

describePeer('kamailio', `${SESSIONS} sessions of 1 MiB at a time`, () => {
  it('8.2.1-08, 8.2.2-10, AD-5.3.5: are all delivered, each in its share of the time', async () => {
    await using core = await startKamailio();
    const server = core.trustedServer('tcp');
    await using pushes = await FilePushes.prepare({
      ...{ host: core.server('tcp'), sender: server, sessions: SESSIONS },
    });
    const host = await pushes.startHost();
    const sender = await startSender({
      ...{ servers: [server], media: { host: '127.0.0.1' } },
      outstanding: SESSIONS,
    });

    const begun = new Set<number>();
    const ended: { started: number }[] = [];
    const push = async (index: number) => {
      const files = [{ content: memoryContent(TYPE, content(index)) }];
      const onProgress = ({ received }: { received: number }) => received > 0 && begun.add(index);
      const receipts = await sender.send(
        { to: BOB, app: 'files.ua', files, report: true, mode: 'session' },
        { onProgress },
      );
      ended.push({ started: begun.size });
      return receipts;
    };
    const receipts = (await Promise.all(Array.from({ length: SESSIONS }, (_, index) => push(index)))).flat();
    await sender.stop();

    expect(receipts).toHaveLength(SESSIONS);
    expect(receipts.filter(({ outcome, reported }) => outcome !== 'delivered' || !reported)).toEqual([]);
    const sent = Array.from({ length: SESSIONS }, (_, index) => platform.hash('sha-256', content(index)));
    const received = (await printedEvents(host, SESSIONS, 'push')).map(({ sha256 }) => String(sha256));
    expect(received.sort()).toEqual(sent.sort());
    const counted = await printedEvents(host, SESSIONS, 'app', 'file');
    expect(counted.filter(({ times }) => times !== 1)).toEqual([]);
    // When half of the sessions have ended, every session has transferred some bytes.
    expect(ended[SESSIONS / 2]).toEqual({ started: SESSIONS });
  });
});
