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

  it('are assigned to senders and retries in turns if there is only one', async () => {
    const slots = new Slots(1, 10);
    // Alarms that are always due: each that leaves is followed by another one.
    const first = slots.enter('alarm');
    const alarm = slots.enter('alarm');
    const [one, two] = [slots.enter('sender', 'a'), slots.enter('sender', 'b')];
    first?.leave();
    expect(await Promise.all([alarm, one, two].map(hasTurn))).toEqual([undefined, true, undefined]);
    one?.leave();
    expect(await Promise.all([alarm, two].map(hasTurn))).toEqual([true, undefined]);
    slots.enter('alarm');
    alarm?.leave();
    expect(await hasTurn(two)).toBe(true);
  });

  it('are not assigned while they are held', async () => {
    const slots = new Slots(2, 10);
    const first = slots.enter('sender');
    slots.hold(true);
    const [second, alarm] = [slots.enter('sender'), slots.enter('alarm')];
    first?.leave();
    expect(await Promise.all([second, alarm].map(hasTurn))).toEqual([undefined, undefined]);
    slots.hold(false);
    expect(await Promise.all([second, alarm].map(hasTurn))).toEqual([true, true]);
  });

  it('are assigned one after another for each key, retries first', async () => {
    const slots = new Slots(4, 10);
    const [a1, a2, b1, free] = [
      slots.enter('sender', 'a'),
      slots.enter('sender', 'a'),
      slots.enter('sender', 'b'),
      slots.enter('sender'),
    ];
    const retry = slots.enter('retry', 'a');
    expect(await Promise.all([a1, a2, b1, free, retry].map(hasTurn))).toEqual([
      true,
      undefined,
      true,
      true,
      undefined,
    ]);
    a1?.leave();
    expect(await Promise.all([a2, retry].map(hasTurn))).toEqual([undefined, true]);
    retry?.leave();
    expect(await hasTurn(a2)).toBe(true);
    a2?.leave();
    expect(await hasTurn(slots.enter('sender', 'a'))).toBe(true);
  });

  it('of a key pass to the next push when a waiting push leaves', async () => {
    const slots = new Slots(1, 10);
    const other = slots.enter('sender');
    const [first, second, third] = [1, 2, 3].map(() => slots.enter('sender', 'a'));
    second?.leave();
    first?.leave();
    expect(await hasTurn(third)).toBeUndefined();
    other?.leave();
    expect(await hasTurn(third)).toBe(true);
  });

  it('are assigned to alarms and senders with one key in order of arrival', async () => {
    const slots = new Slots(4, 10);
    const alarm = slots.enter('alarm', 'a');
    const [other, sender, again] = (['alarm', 'sender', 'retry'] as const).map((urgency) =>
      slots.enter(urgency, 'a'),
    );
    alarm?.leave();
    const late = slots.enter('alarm', 'a');
    for (const turn of [again, other, sender, late]) {
      expect(await hasTurn(turn)).toBe(true);
      turn?.leave();
    }
  });

  it('count the pushes that wait for a key', async () => {
    const slots = new Slots(4, 2);
    for (let index = 0; index < 3; index++) expect(slots.enter('sender', 'a')).toBeDefined();
    expect(slots.enter('sender', 'a')).toBeUndefined();
    expect(slots.enter('sender', 'b')).toBeUndefined();
    expect(slots.enter('retry', 'a')).toBeDefined();
  });

  it('notify the turns that wait for a key when they close', async () => {
    const slots = new Slots(4, 10);
    const turns = [slots.enter('sender', 'a'), slots.enter('sender', 'a'), slots.enter('retry', 'a')];
    slots.close();
    expect(await Promise.all(turns.map(hasTurn))).toEqual([true, false, false]);
    for (const turn of turns) turn?.leave();
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
