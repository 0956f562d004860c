/** A sender does not flood the core (TS 9.4, 9-04; RFC 5390). */

import { describe, expect, it } from 'vitest';
import { CongestionControl } from '../../core/sender/congestion-control.js';
import { until } from '../support/wait.js';

const BOB = 'sip:bob@domain.test';
const AL = 'sip:al@domain.test';

describe('slots', () => {
  it('9-04: limits the concurrent requests', async () => {
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

  it('releases the slot of an aborted task', async () => {
    const congestion = new CongestionControl({ outstanding: 1 });
    let end = () => {};
    const first = congestion.run('sender', undefined, () => new Promise<void>((resolve) => (end = resolve)));
    const abort = new AbortController();
    const second = congestion.run('sender', abort.signal, () => Promise.resolve('second'));
    const third = congestion.run('sender', undefined, () => Promise.resolve('third'));
    abort.abort(new Error('cancelled'));
    await expect(second).rejects.toThrow('cancelled');
    end();
    await first;
    expect(await third).toBe('third');
  });

  it('frees the slot of a failed task', async () => {
    const congestion = new CongestionControl({ outstanding: 1 });
    await expect(congestion.run('sender', undefined, () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    expect(await congestion.run('sender', undefined, () => Promise.resolve(1))).toBe(1);
  });

  it('rejects waiting tasks when the sender stops', async () => {
    const congestion = new CongestionControl({ outstanding: 1 });
    void congestion.run('sender', undefined, () => new Promise(() => {}));
    const waiting = congestion.run('sender', undefined, () => Promise.resolve());
    congestion.close();
    await expect(waiting).rejects.toThrow('the sender is stopping');
  });
});

describe('Retry-After', () => {
  const at = (start: number) => {
    const clock = { time: start, elapsed: () => clock.time };
    return { clock, congestion: new CongestionControl({ clock }) };
  };

  it('9-04: blocks the terminal that sent it for that time', () => {
    const { clock, congestion } = at(0);
    congestion.observe(BOB, { outcome: 'failed', status: 480, retryAfter: 30 });
    expect(congestion.retryAfter(BOB)).toBe(30);
    expect(congestion.retryAfter(AL)).toBeUndefined();
    clock.time = 29_500;
    expect(congestion.retryAfter(BOB)).toBe(1);
    clock.time = 30_000;
    expect(congestion.retryAfter(BOB)).toBeUndefined();
  });

  it.each([
    [404, 'failed'],
    [413, 'refused'],
    [486, 'refused'],
    [500, 'failed'],
    [600, 'refused'],
    [603, 'refused'],
  ] as const)('9-04: of a %i delays that terminal only', (status, outcome) => {
    const { congestion } = at(0);
    congestion.observe(BOB, { outcome, status, retryAfter: 30 });
    expect(congestion.retryAfter(BOB.replace('sip:', 'sips:'))).toBe(30);
    expect(congestion.retryAfter(AL)).toBeUndefined();
  });

  it('9-04, 9-05: of a 503 delays what is sent by the next hop that sent it, and nothing by another', () => {
    const clock = { time: 0, elapsed: () => clock.time };
    let nextHop = 'UDP 192.0.2.1:5060';
    const congestion = new CongestionControl({ clock, nextHop: () => nextHop });
    congestion.observe(BOB, { outcome: 'failed', status: 503, retryAfter: 10 });
    expect(congestion.retryAfter(AL)).toBe(10);
    nextHop = 'UDP 192.0.2.2:5060';
    expect(congestion.retryAfter(BOB)).toBeUndefined();
    nextHop = 'UDP 192.0.2.1:5060';
    clock.time = 10_000;
    expect(congestion.retryAfter(AL)).toBeUndefined();
  });

  it('is not assumed for a 503 without it (RFC 3261 21.5.4)', () => {
    const { congestion } = at(0);
    congestion.observe(BOB, { outcome: 'failed', status: 503 });
    expect(congestion.retryAfter(BOB)).toBeUndefined();
  });

  it('ends when the terminal registers again, and after one hour', () => {
    const { congestion } = at(0);
    congestion.observe(BOB, { outcome: 'failed', status: 480, retryAfter: 80_000 });
    expect(congestion.retryAfter(BOB)).toBe(3600);
    congestion.clear(BOB);
    expect(congestion.retryAfter(BOB)).toBeUndefined();
  });

  it('keeps the 10,000 latest terminals', () => {
    const { congestion } = at(0);
    for (let index = 0; index <= 10_000; index++) {
      congestion.observe(`sip:${index}@domain.test`, { outcome: 'failed', status: 480, retryAfter: 30 });
    }
    expect(congestion.retryAfter('sip:0@domain.test')).toBeUndefined();
    expect(congestion.retryAfter('sip:10000@domain.test')).toBe(30);
  });
});
