/** A sender does not flood the core (TS 9.4, 9-04; RFC 5390). */

import { describe, expect, it } from 'vitest';
import { Congestion } from '../../core/sender/congestion.js';
import { until } from '../support/wait.js';

const BOB = 'sip:bob@domain.test';
const AL = 'sip:al@domain.test';

describe('turns', () => {
  it('9-04: no more are under way than may', async () => {
    const congestion = new Congestion({ outstanding: 3 });
    const ends: (() => void)[] = [];
    let begun = 0;
    const tasks = Array.from({ length: 10 }, () =>
      congestion.inTurn('sender', undefined, async () => {
        begun++;
        await new Promise<void>((resolve) => ends.push(resolve));
      }),
    );
    for (let done = 0; done < 10; done++) {
      await until(() => expect(begun).toBe(Math.min(10, done + 3)));
      ends.shift()?.();
    }
    await Promise.all(tasks);
  });

  it('whoever waits may give up, and takes no turn', async () => {
    const congestion = new Congestion({ outstanding: 1 });
    let end = () => {};
    const first = congestion.inTurn(
      'sender',
      undefined,
      () => new Promise<void>((resolve) => (end = resolve)),
    );
    const abort = new AbortController();
    const second = congestion.inTurn('sender', abort.signal, () => Promise.resolve('second'));
    const third = congestion.inTurn('sender', undefined, () => Promise.resolve('third'));
    abort.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    end();
    await first;
    expect(await third).toBe('third');
  });

  it('a task that fails gives its turn on', async () => {
    const congestion = new Congestion({ outstanding: 1 });
    await expect(
      congestion.inTurn('sender', undefined, () => Promise.reject(new Error('no'))),
    ).rejects.toThrow('no');
    expect(await congestion.inTurn('sender', undefined, () => Promise.resolve(1))).toBe(1);
  });

  it('nobody waits for a sender that stops', async () => {
    const congestion = new Congestion({ outstanding: 1 });
    void congestion.inTurn('sender', undefined, () => new Promise(() => {}));
    const waiting = congestion.inTurn('sender', undefined, () => Promise.resolve());
    congestion.close();
    await expect(waiting).rejects.toThrow('stopped');
  });
});

describe('Retry-After', () => {
  const at = (start: number) => {
    const clock = { time: start, now: () => clock.time };
    return { clock, congestion: new Congestion({ clock }) };
  };

  it('9-04: of a terminal holds for that terminal, for that time', () => {
    const { clock, congestion } = at(0);
    congestion.heard(BOB, { outcome: 'failed', status: 480, retryAfter: 30 });
    expect(congestion.quietFor(BOB)).toBe(30);
    expect(congestion.quietFor(AL)).toBeUndefined();
    clock.time = 29_500;
    expect(congestion.quietFor(BOB)).toBe(1);
    clock.time = 30_000;
    expect(congestion.quietFor(BOB)).toBeUndefined();
  });

  it('of a 503 is that of the core, and holds for everybody', () => {
    const { clock, congestion } = at(0);
    congestion.heard(BOB, { outcome: 'failed', status: 503, retryAfter: 10 });
    expect(congestion.quietFor(AL)).toBe(10);
    clock.time = 10_000;
    expect(congestion.quietFor(AL)).toBeUndefined();
  });

  it('is over when the terminal is heard of, and an hour at most', () => {
    const { congestion } = at(0);
    congestion.heard(BOB, { outcome: 'failed', status: 480, retryAfter: 80_000 });
    expect(congestion.quietFor(BOB)).toBe(3600);
    congestion.forget(BOB);
    expect(congestion.quietFor(BOB)).toBeUndefined();
  });

  it('of ten thousand terminals is remembered, of more those of the latest', () => {
    const { congestion } = at(0);
    for (let index = 0; index <= 10_000; index++) {
      congestion.heard(`sip:${index}@domain.test`, { outcome: 'failed', status: 480, retryAfter: 30 });
    }
    expect(congestion.quietFor('sip:0@domain.test')).toBeUndefined();
    expect(congestion.quietFor('sip:10000@domain.test')).toBe(30);
  });
});
