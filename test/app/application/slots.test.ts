import { describe, expect, it } from 'vitest';
import { Slots, type Turn } from '../../../core/app/application/slots.js';

async function hasTurn(turn: Turn | undefined): Promise<boolean | undefined> {
  return Promise.race([turn?.ready, Promise.resolve(undefined)]);
}

describe('slots of an application', () => {
  it('are assigned in order', async () => {
    const slots = new Slots(1, 2);
    const [first, second, third] = [slots.enter('sender'), slots.enter('sender'), slots.enter('sender')];
    expect(slots.enter('sender')).toBeUndefined();
    expect([await hasTurn(first), await hasTurn(second)]).toEqual([true, undefined]);
    first?.leave();
    first?.leave();
    expect([await hasTurn(second), await hasTurn(third)]).toEqual([true, undefined]);
    third?.leave();
    second?.leave();
    expect(await hasTurn(slots.enter('sender'))).toBe(true);
  });

  it('are never all used by redeliveries', async () => {
    const slots = new Slots(4, 10);
    const again = [1, 2, 3].map(() => slots.enter('retry'));
    expect(await Promise.all(again.map(hasTurn))).toEqual([true, true, undefined]);
    expect(await hasTurn(slots.enter('sender'))).toBe(true);
  });

  it('reach a redelivery even if many senders wait', async () => {
    const slots = new Slots(4, 10);
    const senders = Array.from({ length: 8 }, () => slots.enter('sender'));
    const again = slots.enter('retry');
    senders[0]?.leave();
    expect(await hasTurn(again)).toBe(true);
    expect(await hasTurn(senders[4])).toBeUndefined();
    senders[1]?.leave();
    expect(await hasTurn(senders[4])).toBe(true);
  });

  it('notify all waiting turns when they close', async () => {
    const slots = new Slots(1, 10);
    const [running, waiting, again] = [slots.enter('sender'), slots.enter('sender'), slots.enter('retry')];
    slots.close();
    expect([await hasTurn(running), await hasTurn(waiting), await hasTurn(again)]).toEqual([
      true,
      false,
      false,
    ]);
    // No turn becomes ready later.
    for (const turn of [running, waiting, again]) turn?.leave();
    expect(await hasTurn(slots.enter('sender'))).toBe(false);
  });
});
