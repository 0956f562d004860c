/** Peak memory of both processes, for a large file and a small one. */

import { expect, it } from 'vitest';
import { FilePushes, MEBIBYTE, peakOf, printedEvents } from '../../support/agents/file-pushes.js';
import { startKamailio } from '../../support/programs/kamailio.js';
import { describePeer } from '../../support/programs/peers.js';
import { scale } from '../../support/scale.js';

const LARGE = scale(256, 1024) * MEBIBYTE;
/** How much more memory a process may use for the large file than for one of 1 MiB, in bytes. */
const MORE = 64 * MEBIBYTE;

describePeer('kamailio', 'a large file', () => {
  it('8.2.1-08, 8.2.2-01: arrives unchanged, in memory that does not grow with its size', async () => {
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
      `${LARGE / MEBIBYTE} MiB: ${inMebibytes(large.peak - small.peak)} more at the sender and ${inMebibytes(hostMore)} more at the host than for 1 MiB\n`,
    );
    expect(large.peak - small.peak).toBeLessThan(MORE);
    expect(hostMore).toBeLessThan(MORE);
  });
});

function inMebibytes(bytes: number): string {
  return `${Math.round(bytes / MEBIBYTE)} MiB`;
}
