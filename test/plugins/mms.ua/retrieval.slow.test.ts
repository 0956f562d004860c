/** Large stored messages. */

import { expect, it } from 'vitest';
import { pictureAndText, retrievalOf } from '../../support/agents/mmsc.js';
import { MmsDevice } from './device.js';

it('keeps the last 192 MiB of messages', async () => {
  const device = await MmsDevice.start({ retrieve: 'immediate' }, { maxSize: 60_000_000 });
  try {
    const large = retrievalOf(pictureAndText(50 * 1024 * 1024));
    for (let number = 1; number <= 4; number += 1) {
      await device.push(device.mmsc.store(`T${number}`, large));
      await device.posted(number);
    }
    await device.until(async () => (await device.files()).length === 6);
    expect((await device.items()).map(({ transactionId }) => transactionId)).toEqual(['T4', 'T3', 'T2']);
    expect(device.host.logged).toEqual(['message T1 was removed: the limit is 201326592 bytes']);
  } finally {
    await device.stop();
  }
});
