/** A push to all terminals of a user, retried until its ttl has passed (AD-5.3.1-7, 9-04). */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LimitError } from '../../core/errors.js';
import { CongestionControl } from '../../core/sender/congestion-control.js';
import { type Attempt, OutgoingPush } from '../../core/sender/outgoing-push.js';
import type { PushOptions, Receipt } from '../../core/sender/push-request.js';
import { TerminalDirectory } from '../../core/sender/terminals/directory.js';

const BOB = 'sip:bob@domain.test';
const PHONE = { gruu: `${BOB};gr=urn:uuid:1`, apps: ['mms.ua'] };
const TABLET = { gruu: `${BOB};gr=urn:uuid:2`, apps: ['mms.ua'] };
const PUSH: PushOptions = { to: BOB, app: 'mms.ua' };

type Answer = Partial<Pick<Receipt, 'outcome' | 'status' | 'retryable' | 'retryAfter'>>;
const ACCEPTED: Answer = { outcome: 'delivered', status: 200, retryable: false };
const REFUSED: Answer = { outcome: 'refused', status: 403, retryable: false };
const UNREGISTERED: Answer = { outcome: 'failed', status: 480, retryable: true };

let directory: TerminalDirectory;
let congestion: CongestionControl;
/** The answers of each address in order; the last one is repeated. */
let answers: Map<string, Answer[]>;
let sent: string[];
/** An address for which nothing can be sent. */
let broken: string;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  directory = new TerminalDirectory();
  congestion = new CongestionControl();
  answers = new Map();
  sent = [];
  broken = '';
});
afterEach(() => {
  vi.useRealTimers();
});

const attempt: Attempt = async ({ uri }) => {
  sent.push(uri);
  if (uri === broken) throw new LimitError('too large for this terminal');
  const queue = answers.get(uri) ?? [ACCEPTED];
  const [next = ACCEPTED] = queue.length > 1 ? queue.splice(0, 1) : queue;
  const receipt = { to: uri, mode: 'pager', outcome: 'delivered', reason: '', retryable: false } as const;
  return [{ ...receipt, bytes: 1, milliseconds: 1, ...next }];
};

const deliver = (request: Partial<PushOptions> = {}, signal?: AbortSignal) => {
  const receipts: Receipt[] = [];
  const delivery = new OutgoingPush({ directory, congestion }, { ...PUSH, ...request }, attempt, {
    onReceipts: (each) => receipts.push(...each),
    signal,
  });
  return { receipts, done: delivery.run() };
};

it('AD-5.3.1-7: sends one request to each known GRUU and reports each receipt', async () => {
  for (const facts of [PHONE, TABLET]) directory.setRegistered(BOB, facts);
  answers.set(TABLET.gruu, [REFUSED]);
  const { receipts, done } = deliver();
  expect(await done).toMatchObject([
    { to: BOB, outcome: 'delivered' },
    { to: BOB, outcome: 'refused', status: 403 },
  ]);
  expect(sent.sort()).toEqual([PHONE.gruu, TABLET.gruu]);
  expect(receipts).toHaveLength(2);
});

it('turns an error at one terminal into a receipt, and sends to the others', async () => {
  for (const facts of [PHONE, TABLET]) directory.setRegistered(BOB, facts);
  broken = PHONE.gruu;
  answers.set(TABLET.gruu, [{ outcome: 'failed', status: 408, retryable: true }, ACCEPTED]);
  const { receipts, done } = deliver({ ttl: 3600 });
  await vi.advanceTimersByTimeAsync(1000);
  expect(receipts).toMatchObject([{ terminal: PHONE.gruu, outcome: 'failed', retryable: false }]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await done).toMatchObject([{ reason: 'too large for this terminal' }, { outcome: 'delivered' }]);
  // With one address, the caller receives the error.
  await expect(deliver({ to: PHONE.gruu }).done).rejects.toThrow(LimitError);
});

it('lets the core fork the request if no GRUU is known, and reports it in the receipt', async () => {
  expect(await deliver().done).toMatchObject([
    { why: expect.stringContaining('the core selects the terminals') },
  ]);
  expect(sent).toEqual([BOB]);
});

describe('9-04: an unregistered terminal', () => {
  beforeEach(() => {
    directory.setRegistered(BOB, PHONE);
    directory.setUnregistered(BOB, PHONE);
  });

  it('gets no request', async () => {
    expect(await deliver().done).toMatchObject([
      { terminal: PHONE.gruu, outcome: 'failed', retryable: true, reason: 'the terminal is not registered' },
    ]);
    expect(sent).toEqual([]);
  });

  it('gets the push when it registers within the ttl', async () => {
    const { receipts, done } = deliver({ ttl: 3600 });
    await vi.advanceTimersByTimeAsync(1_800_000);
    expect(receipts).toEqual([]);
    directory.setRegistered(BOB, TABLET);
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent).toEqual([]);
    directory.setRegistered(BOB, PHONE);
    expect(await done).toMatchObject([{ outcome: 'delivered' }]);
    expect(sent).toEqual([PHONE.gruu]);
  });

  it('gets the push when it registers without a GRUU', async () => {
    directory = new TerminalDirectory();
    directory.setRegistered(BOB, { contact: 'sip:bob@127.0.0.1:5080' });
    directory.setUnregisteredExcept(BOB);
    const { done } = deliver({ ttl: 3600 });
    await vi.advanceTimersByTimeAsync(600_000);
    expect(sent).toEqual([]);
    directory.setRegistered(BOB, { contact: 'sip:bob@127.0.0.1:5081' });
    expect(await done).toMatchObject([{ outcome: 'delivered' }]);
    expect(sent).toEqual([BOB]);
  });

  it('5.2-03: gets the push at its latest GRUU', async () => {
    directory = new TerminalDirectory();
    const instanceId = 'urn:uuid:1';
    directory.setRegistered(BOB, { ...PHONE, instanceId });
    directory.setUnregistered(BOB, PHONE);
    const { done } = deliver({ ttl: 3600 });
    await vi.advanceTimersByTimeAsync(600_000);
    const gruu = 'sip:opaque@domain.test;gr';
    directory.setRegistered(BOB, { ...PHONE, instanceId, gruu });
    expect(await done).toMatchObject([{ outcome: 'delivered' }]);
    expect(sent).toEqual([gruu]);
  });

  it('gets no request if it de-registers while the push waits for a slot', async () => {
    directory.setRegistered(BOB, PHONE);
    congestion = new CongestionControl({ outstanding: 1 });
    let end = () => {};
    const busy = congestion.run('sender', undefined, () => new Promise<void>((resolve) => (end = resolve)));
    const { done } = deliver();
    await vi.advanceTimersByTimeAsync(1000);
    directory.setUnregistered(BOB, PHONE);
    end();
    await busy;
    expect(await done).toMatchObject([{ outcome: 'failed', reason: 'the terminal is not registered' }]);
    expect(sent).toEqual([]);
  });

  it('ends with a receipt when the sender stops', async () => {
    const stopped = [
      { terminal: PHONE.gruu, outcome: 'failed', retryable: true, reason: 'the sender is stopping' },
    ];
    const { done } = deliver({ ttl: 3600 });
    congestion.close();
    expect(await done).toMatchObject(stopped);
    directory.setRegistered(BOB, PHONE);
    expect(await deliver({ ttl: 3600 }).done).toMatchObject(stopped);
    expect(await deliver({ app: 'other.ua', ttl: 3600 }).done).toMatchObject([{ outcome: 'failed' }]);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(sent).toEqual([]);
  });

  it('ends with a receipt when the sender stops while the push waits for a slot', async () => {
    directory.setRegistered(BOB, PHONE);
    congestion = new CongestionControl({ outstanding: 1 });
    void congestion.run('sender', undefined, () => new Promise(() => {}));
    const { done } = deliver();
    await vi.advanceTimersByTimeAsync(1);
    congestion.close();
    expect(await done).toMatchObject([{ outcome: 'failed', reason: 'the sender is stopping' }]);
  });

  it('gets no request after the ttl', async () => {
    const { done } = deliver({ ttl: 3600 });
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(await done).toMatchObject([{ outcome: 'failed', reason: 'the terminal is not registered' }]);
    directory.setRegistered(BOB, PHONE);
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent).toEqual([]);
  });

  it('is not waited for after an abort', async () => {
    const abort = new AbortController();
    const { done } = deliver({ ttl: 3600 }, abort.signal);
    const failed = expect(done).rejects.toThrow('cancelled');
    abort.abort(new Error('cancelled'));
    await failed;
    directory.setRegistered(BOB, PHONE);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(sent).toEqual([]);
  });
});

describe('9-04: a registered terminal that is answered as if it were not', () => {
  const answer = (status: number): Answer => ({ outcome: 'failed', status, retryable: true });

  it.each([480, 404, 410])(
    '%i: is unavailable for a minute, then for twice as long, and stays registered',
    async (status) => {
      directory.setRegistered(BOB, PHONE);
      answers.set(PHONE.gruu, [answer(status), answer(status), ACCEPTED]);
      const { done } = deliver({ ttl: 3600 });
      await vi.advanceTimersByTimeAsync(59_000);
      expect(sent).toHaveLength(1);
      expect(await deliver().done).toMatchObject([
        { outcome: 'failed', retryable: true, retryAfter: 1, reason: expect.stringContaining('unavailable') },
      ]);
      expect(directory.of(BOB)).toMatchObject([{ registered: true }]);
      await vi.advanceTimersByTimeAsync(2000);
      expect(sent).toHaveLength(2);
      await vi.advanceTimersByTimeAsync(118_000);
      expect(sent).toHaveLength(2);
      await vi.advanceTimersByTimeAsync(3000);
      expect(await done).toMatchObject([{ outcome: 'delivered' }]);
    },
  );

  it('does not delay other terminals of the user', async () => {
    for (const facts of [PHONE, TABLET]) directory.setRegistered(BOB, facts);
    answers.set(PHONE.gruu, [UNREGISTERED]);
    await deliver().done;
    await deliver().done;
    expect(sent.sort()).toEqual([PHONE.gruu, TABLET.gruu, TABLET.gruu]);
  });

  it('is tried at least every half hour', async () => {
    directory.setRegistered(BOB, PHONE);
    answers.set(PHONE.gruu, [UNREGISTERED]);
    const { done } = deliver({ ttl: 24 * 3600 });
    await vi.advanceTimersByTimeAsync(24 * 3_600_000);
    expect(await done).toMatchObject([{ outcome: 'failed' }]);
    expect(sent.length).toBeGreaterThanOrEqual(48);
    expect(sent.length).toBeLessThan(60);
  });

  it('gets waiting and new pushes as soon as it registers', async () => {
    directory.setRegistered(BOB, PHONE);
    answers.set(PHONE.gruu, [UNREGISTERED, ACCEPTED]);
    const { done } = deliver({ ttl: 3600 });
    await vi.advanceTimersByTimeAsync(1000);
    directory.setRegistered(BOB, PHONE);
    expect(await done).toMatchObject([{ outcome: 'delivered' }]);
    answers.set(PHONE.gruu, [UNREGISTERED, ACCEPTED]);
    await deliver().done;
    directory.setRegistered(BOB, PHONE);
    expect(await deliver().done).toMatchObject([{ outcome: 'delivered' }]);
  });
});

describe('a terminal that registers during an attempt', () => {
  /** The attempt ends as the terminal registers again, as after a kill of the device. */
  const failing = (answer: Answer) => {
    directory.setRegistered(BOB, PHONE);
    let first = true;
    return new OutgoingPush({ directory, congestion }, { ...PUSH, ttl: 3600 }, async (target) => {
      if (first) {
        first = false;
        answers.set(PHONE.gruu, [answer, ACCEPTED]);
        directory.setRegistered(BOB, PHONE);
      }
      return attempt(target);
    });
  };

  it.each([
    ['480 for its earlier registration', UNREGISTERED],
    ['no answer of its earlier process', { outcome: 'failed', status: 408, retryable: true } as const],
  ])('gets the push at once after %s', async (_title, answer) => {
    const done = failing(answer).run();
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent).toEqual([PHONE.gruu, PHONE.gruu]);
    expect(await done).toMatchObject([{ outcome: 'delivered' }]);
    expect(directory.of(BOB)).toMatchObject([{ registered: true }]);
  });

  it('9-04: gets no request before its Retry-After', async () => {
    const done = failing({ outcome: 'failed', status: 480, retryable: true, retryAfter: 120 }).run();
    await vi.advanceTimersByTimeAsync(119_000);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await done).toMatchObject([{ outcome: 'delivered' }]);
  });
});

it('ends with its ttl, whatever the date is', async () => {
  directory.setRegistered(BOB, PHONE);
  directory.setUnregistered(BOB, PHONE);
  const { done } = deliver({ ttl: 60 });
  vi.setSystemTime(Date.now() - 86_400_000);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await done).toMatchObject([{ outcome: 'failed', reason: 'the terminal is not registered' }]);
});

describe('a transient failure', () => {
  it('blocks the terminal for its Retry-After, including for other pushes', async () => {
    directory.setRegistered(BOB, PHONE);
    answers.set(PHONE.gruu, [{ ...UNREGISTERED, retryAfter: 120 }, ACCEPTED]);
    const { done } = deliver({ ttl: 3600 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(await deliver().done).toMatchObject([{ outcome: 'failed', retryAfter: 119 }]);
    await vi.advanceTimersByTimeAsync(118_000);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await done).toMatchObject([{ outcome: 'delivered' }]);
    expect(sent).toHaveLength(2);
  });

  it('is retried when the terminal registers again', async () => {
    directory.setRegistered(BOB, PHONE);
    answers.set(PHONE.gruu, [{ ...UNREGISTERED, retryAfter: 1800 }, ACCEPTED]);
    const { done } = deliver({ ttl: 3600 });
    await vi.advanceTimersByTimeAsync(60_000);
    directory.setUnregistered(BOB, PHONE);
    directory.setRegistered(BOB, PHONE);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await done).toMatchObject([{ outcome: 'delivered' }]);
  });

  it('is retried when the terminal registers again, even if its earlier registration has not ended', async () => {
    directory.setRegistered(BOB, PHONE);
    const lost = { outcome: 'failed', status: 408, retryable: true } as const;
    answers.set(PHONE.gruu, [lost, lost, lost, ACCEPTED]);
    const { done } = deliver({ ttl: 3600 });
    // The next attempt is due a minute after the third.
    await vi.advanceTimersByTimeAsync(70_000);
    expect(sent).toHaveLength(3);
    directory.setRegistered(BOB, PHONE);
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent).toHaveLength(4);
    expect(await done).toMatchObject([{ outcome: 'delivered' }]);
  });

  it('9-04: is not retried before its Retry-After when the registration is refreshed', async () => {
    directory.setRegistered(BOB, PHONE);
    answers.set(PHONE.gruu, [{ ...UNREGISTERED, retryAfter: 120 }, ACCEPTED]);
    const { done } = deliver({ ttl: 3600 });
    await vi.advanceTimersByTimeAsync(60_000);
    directory.setRegistered(BOB, PHONE);
    await vi.advanceTimersByTimeAsync(59_000);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await done).toMatchObject([{ outcome: 'delivered' }]);
  });

  it('9-04, 9-05: blocks requests that wait for a slot when the core sends Retry-After', async () => {
    congestion = new CongestionControl({ outstanding: 2 });
    const users = Array.from({ length: 100 }, (_, index) => `sip:user${index}@domain.test`);
    const busy: Answer = { outcome: 'failed', status: 503, retryable: true, retryAfter: 60 };
    const queue = [busy, busy, ACCEPTED];
    for (const user of users) answers.set(user, queue);
    const pushes = users.map((to) => deliver({ to, ttl: 3600 }).done);
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(600_000);
    expect((await Promise.all(pushes)).flat().every(({ outcome }) => outcome === 'delivered')).toBe(true);
  });

  it('is retried with a growing backoff without Retry-After', async () => {
    answers.set(BOB, [{ outcome: 'failed', status: 408, retryable: true }]);
    const { done } = deliver({ ttl: 24 * 3600 });
    await vi.advanceTimersByTimeAsync(24 * 3600 * 1000);
    expect(await done).toMatchObject([{ outcome: 'failed', status: 408 }]);
    expect(sent.length).toBeGreaterThan(100);
    expect(sent.length).toBeLessThan(160);
  });

  it('is followed by no retry after a permanent failure', async () => {
    answers.set(BOB, [REFUSED]);
    expect(await deliver({ ttl: 3600 }).done).toMatchObject([{ outcome: 'refused' }]);
    expect(sent).toHaveLength(1);
  });
});

describe('when no terminal has the application', () => {
  beforeEach(() => {
    directory.setRegistered(BOB, { ...PHONE, apps: ['wml.ua'] });
  });

  it('sends nothing, and reports the reason', async () => {
    expect(await deliver().done).toMatchObject([
      { outcome: 'failed', retryable: true, reason: expect.stringContaining('mms.ua') },
    ]);
    expect(sent).toEqual([]);
  });

  it('sends the push when a terminal has registered the application', async () => {
    const { done } = deliver({ ttl: 60 });
    await vi.advanceTimersByTimeAsync(30_000);
    directory.setRegistered(BOB, PHONE);
    expect(await done).toMatchObject([{ outcome: 'delivered' }]);
  });
});

it('AD-5.3.1-7: sends to 1000 users, and no request to the unregistered third', async () => {
  const users = Array.from({ length: 1000 }, (_, index) => `sip:user${index}@domain.test`);
  for (const [index, user] of users.entries()) {
    const facts = { gruu: `${user};gr=urn:uuid:${index}`, apps: ['mms.ua'] };
    directory.setRegistered(user, facts);
    if (index % 3 === 0) directory.setUnregistered(user, facts);
  }
  const receipts = await Promise.all(users.map((to) => deliver({ to }).done));
  expect(receipts.flat()).toHaveLength(1000);
  expect(receipts.flat().filter(({ outcome }) => outcome === 'delivered')).toHaveLength(666);
  expect(sent).toHaveLength(666);
});
