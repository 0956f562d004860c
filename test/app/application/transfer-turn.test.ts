/** The turn of a transfer, which waits in two queues at once. */

import { expect, it } from 'vitest';
import { Slots, TransferTurn, type Turn } from '../../../core/app/application/slots.js';

function enter(slots: Slots): Turn {
  const turn = slots.enter('sender');
  if (!turn) throw new Error('full');
  return turn;
}

/** Whether a slot is free at once. */
async function isFree(slots: Slots): Promise<boolean> {
  const turn = enter(slots);
  const free = await Promise.race([turn.ready, Promise.resolve().then(() => undefined)]);
  turn.leave();
  return free === true;
}

it('a turn of two queues is ready when its turn comes in either queue, and leaves the other', async () => {
  const [one, two] = [new Slots(1, 10), new Slots(1, 10)];
  const before = enter(one);
  const occupied = enter(two);
  let left = 0;
  const turn = new TransferTurn(enter(one), () => left++);
  turn.add(enter(two));
  occupied.leave();
  expect(await turn.ready).toBe(true);
  expect(await isFree(two)).toBe(false);
  before.leave();
  expect(await isFree(one)).toBe(true);
  turn.leave();
  turn.leave();
  expect(await isFree(two)).toBe(true);
  expect(left).toBe(1);
});

it('a turn of two queues is ready at once if its first turn is ready', async () => {
  const [one, two] = [new Slots(1, 10), new Slots(1, 10)];
  const turn = new TransferTurn(enter(one), () => {});
  expect(await turn.ready).toBe(true);
  turn.add(enter(two));
  expect(await isFree(two)).toBe(true);
});

it('a turn of two queues uses one slot if both are free at once', async () => {
  const [one, two] = [new Slots(1, 10), new Slots(1, 10)];
  const turn = new TransferTurn(enter(one), () => {});
  turn.add(enter(two));
  expect(await turn.ready).toBe(true);
  expect([await isFree(one), await isFree(two)].sort()).toEqual([false, true]);
});

it('a turn of two queues is never ready after it was given up or its queues were closed', async () => {
  const slots = new Slots(1, 10);
  const before = enter(slots);
  let left = 0;
  const abandoned = new TransferTurn(enter(slots), () => left++);
  abandoned.giveUp();
  abandoned.leave();
  expect(await abandoned.ready).toBe(false);
  const closed = new TransferTurn(enter(slots), () => left++);
  slots.close();
  expect(await closed.ready).toBe(false);
  expect(left).toBe(2);
  before.leave();
});
