/** Errors in messages between threads. */

import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../../core/app/contract/outcome.js';
import { packError, unpackError } from '../../../core/app/isolation/messages.js';
import { FetchError } from '../../../core/content/fetch/fetch-error.js';
import * as errors from '../../../core/errors.js';
import { StoreError } from '../../../core/store/records.js';

/** The error as the receiver of a message gets it. */
const received = (thrown: unknown) => unpackError(structuredClone(packError(thrown)));

it.each([
  new errors.ConfigurationError('wrong'),
  new errors.MalformedError('odd'),
  new errors.TransportError('cut'),
  new errors.TimeoutError('late'),
  new errors.LimitError('too much'),
  new errors.SipPushError('something'),
  new errors.AppError('test.ua', 'failed'),
  new errors.PushRefused('busy', 'not now', { retryAfter: 7 }),
  new FetchError('status', 'the server answered 503', { status: 503, retryAfter: 3 }),
  new StoreError('the disk is full'),
  new TypeError('no function'),
  new RangeError('too far'),
  new Error('plain'),
])('%s', (error) => {
  const back = received(error);
  expect(back.constructor).toBe(error.constructor);
  expect(back).toEqual(error);
  expect(back.stack).toBe(error.stack);
});

it('keeps the defined details of any error', () => {
  class AbortError extends Error {
    override name = 'AbortError';
    code = 20;
    transient = false;
    secret = { password: 'x' };
  }
  const back = received(new AbortError('cancelled'));
  expect(back).toMatchObject({ name: 'AbortError', message: 'cancelled', code: 20, transient: false });
  expect(back).not.toHaveProperty('secret');
});

it('recognizes a refusal of a subclass, and of another copy of the package', () => {
  class DiskFullRefusal extends errors.PushRefused {}
  expect(refusalOf(received(new DiskFullRefusal('resources', 'no space', { retryAfter: 60 })))).toEqual({
    kind: 'resources',
    reason: 'no space',
    retryAfter: 60,
  });
  const foreign = Object.assign(new Error('not here'), {
    [Symbol.for('sip-push.refusal')]: true,
    kind: 'declined',
  });
  expect(refusalOf(received(foreign))).toEqual({ kind: 'declined', reason: 'not here' });
});

describe('never throws', () => {
  const trap = new Proxy(new Error('x'), {
    get() {
      throw new Error('trap');
    },
  });

  it('packs any value', () => {
    for (const thrown of [undefined, null, 'text', 1n, Symbol('s'), {}, () => {}, trap, new Proxy({}, {})]) {
      expect(received(thrown)).toBeInstanceOf(Error);
    }
  });

  it('unpacks any value', () => {
    for (const packed of [
      undefined,
      null,
      5,
      {},
      { class: 'toString', message: 5 },
      { class: 'PushRefused', message: 'x', details: { kind: {}, retryAfter: 'x' } },
      { class: 'FetchError', message: 'x', details: null },
      { name: {}, stack: [], details: { transient: { a: 1 }, code: [] } },
      { message: 'x'.repeat(1_000_000) },
    ]) {
      const error = unpackError(packed);
      expect(error).toBeInstanceOf(Error);
      expect(error.message.length).toBeLessThan(5_000);
    }
  });
});
