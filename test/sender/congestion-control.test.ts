/** A sender does not flood the core (TS 9.4, 9-04; RFC 5390). */

import { describe, expect, it } from 'vitest';
import { CongestionControl } from '../../core/sender/congestion-control.js';
import { until } from '../support/wait.js';

const BOB = 'sip:bob@domain.test';
const AL = 'sip:al@domain.test';

describe('turns', () => {
  it('9-04: no more are under way than may', async () => {
    const congestion = new CongestionControl({ outstanding: 3 });
    const ends: (() => void)[] = [];
    let begun = 0;
    const tasks = Array.from({ length: 10 }, () =>
      congestion.run('sender', undefined, async () => {
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
    const congestion = new CongestionControl({ outstanding: 1 });
    let end = () => {};
    const first = congestion.run('sender', undefined, () => new Promise<void>((resolve) => (end = resolve)));
    const abort = new AbortController();
    const second = congestion.run('sender', abort.signal, () => Promise.resolve('second'));
    const third = congestion.run('sender', undefined, () => Promise.resolve('third'));
    abort.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    end();
    await first;
    expect(await third).toBe('third');
  });

  it('a task that fails gives its turn on', async () => {
    const congestion = new CongestionControl({ outstanding: 1 });
    await expect(congestion.run('sender', undefined, () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    expect(await congestion.run('sender', undefined, () => Promise.resolve(1))).toBe(1);
  });

  it('nobody waits for a sender that stops', async () => {
    const congestion = new CongestionControl({ outstanding: 1 });
    void congestion.run('sender', undefined, () => new Promise(() => {}));
    const waiting = congestion.run('sender', undefined, () => Promise.resolve());
    congestion.close();
    await expect(waiting).rejects.toThrow('the sender is stopping');
  });
});

describe('Retry-After', () => {
  const at = (start: number) => {
    const clock = { time: start, now: () => clock.time };
    return { clock, congestion: new CongestionControl({ clock }) };
  };

  it('9-04: of a terminal holds for that terminal, for that time', () => {
    const { clock, congestion } = at(0);
    congestion.observe(BOB, { outcome: 'failed', status: 480, retryAfter: 30 });
    expect(congestion.retryAfter(BOB)).toBe(30);
    expect(congestion.retryAfter(AL)).toBeUndefined();
    clock.time = 29_500;
    expect(congestion.retryAfter(BOB)).toBe(1);
    clock.time = 30_000;
    expect(congestion.retryAfter(BOB)).toBeUndefined();
  });

  it('of a 503 is that of the core, and holds for everybody', () => {
    const { clock, congestion } = at(0);
    congestion.observe(BOB, { outcome: 'failed', status: 503, retryAfter: 10 });
    expect(congestion.retryAfter(AL)).toBe(10);
    clock.time = 10_000;
    expect(congestion.retryAfter(AL)).toBeUndefined();
  });

  it('is over when the terminal is heard of, and an hour at most', () => {
    const { congestion } = at(0);
    congestion.observe(BOB, { outcome: 'failed', status: 480, retryAfter: 80_000 });
    expect(congestion.retryAfter(BOB)).toBe(3600);
    congestion.clear(BOB);
    expect(congestion.retryAfter(BOB)).toBeUndefined();
  });

  it('of ten thousand terminals is remembered, of more those of the latest', () => {
    const { congestion } = at(0);
    for (let index = 0; index <= 10_000; index++) {
      congestion.observe(`sip:${index}@domain.test`, { outcome: 'failed', status: 480, retryAfter: 30 });
    }
    expect(congestion.retryAfter('sip:0@domain.test')).toBeUndefined();
    expect(congestion.retryAfter('sip:10000@domain.test')).toBe(30);
  });
});
