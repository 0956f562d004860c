/** Progress events of transfers that take longer than a second. */

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PSA } from '../../support/agents/agents.js';
import { bytes, FILE, type Offered } from '../../support/msrp/push-offers.js';
import { reported } from '../../support/msrp/sender-end.js';
import { sessionScene } from './scene.js';

const CONTENT = bytes(1000);

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());
const scene = sessionScene();

/** Sends parts of 100 bytes, after a pause in milliseconds each. */
async function send(pauses: readonly number[], offered: Offered = {}) {
  const { end } = await scene.bound({ content: CONTENT, ...offered });
  for (const [index, pause] of pauses.entries()) {
    vi.advanceTimersByTime(pause);
    const at = index * 100;
    const flag = at === 900 ? '$' : '+';
    const part = { start: at + 1, total: 1000, flag, type: FILE } as const;
    expect(await end.send(CONTENT.subarray(at, at + 100), part)).toBe(200);
  }
  return end;
}

it('8.2.3-01: reports progress about once a second', async () => {
  const end = await send([0, 400, 700, 300, 300, 500, 100, 3000, 0, 0]);
  expect(await reported(end)).toMatch('000 200');
  const [push] = scene.receiver.of('push');
  const file = { id: push?.id, app: 'files.ua', from: PSA, contentType: FILE, size: 1000 };
  const events = scene.receiver.of('receiving');
  expect(events).toMatchObject([300, 600, 800].map((received) => ({ ...file, received })));
});

it('8.2.3-01: reports no progress of a short transfer', async () => {
  const end = await send(Array(10).fill(99));
  expect(await reported(end)).toMatch('000 200');
  expect(scene.receiver.of('receiving')).toEqual([]);
});

it('8.2.3-01: reports progress without a size if the sender does not declare it', async () => {
  await send([0, 1000], { size: null, sha1: null });
  const [event] = scene.receiver.of('receiving');
  expect(event).toMatchObject({ received: 200 });
  expect(event?.size).toBeUndefined();
});
