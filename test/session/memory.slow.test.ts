/** Memory does not grow with the file: peaks of both processes, for a large file and for a small one. */

import { expect, it } from 'vitest';
import { FilePushes, MEBIBYTE, peakOf, printedEvents } from '../support/file-pushes.js';
import { startKamailio } from '../support/kamailio.js';
import { describePeer } from '../support/peers.js';
import { scale } from '../support/scale.js';

const LARGE = scale(128, 1024) * MEBIBYTE;
/** Issue 4: how much more than for 1 MiB either process may take, bytes. */
const MORE = 64 * MEBIBYTE;

describePeer('kamailio', 'a large file', () => {
  it('8.2.1-08, 8.2.2-01: comes byte for byte, in memory that does not grow with it', async () => {
    await using core = await startKamailio();
    await using pushes = await FilePushes.prepare({
      host: core.server('tcp'),
      sender: core.trustedServer('udp'),
    });
    await pushes.generate('small', MEBIBYTE);
    const sha256 = await pushes.generate('large', LARGE);
    const host = await pushes.startHost();
    const small = await pushes.send(['small']);
    expect(small.receipts).toMatchObject([{ outcome: 'delivered', bytes: MEBIBYTE }]);
    const hostForSmall = await peakOf(host);
    const large = await pushes.send(['large']);
    expect(large.receipts).toMatchObject([{ outcome: 'delivered', bytes: LARGE, reported: true }]);
    expect((await printedEvents(host, 2, 'push')).at(-1)).toMatchObject({
      sha256,
      size: LARGE,
      outcome: 'accepted',
    });
    expect((await printedEvents(host, 2, 'app', 'file')).at(-1)).toMatchObject({
      sha256,
      size: LARGE,
      times: 1,
    });
    const hostForLarge = await peakOf(host);
    const hostMore = hostForLarge - hostForSmall;
    process.stderr.write(
      `${LARGE / MEBIBYTE} MiB took ${inMebibytes(large.peak - small.peak)} at the sender and ${inMebibytes(hostMore)} at the host more than 1 MiB\n`,
    );
    expect(large.peak - small.peak).toBeLessThan(MORE);
    expect(hostMore).toBeLessThan(MORE);
  });
});

function inMebibytes(bytes: number): string {
  return `${Math.round(bytes / MEBIBYTE)} MiB`;
}
