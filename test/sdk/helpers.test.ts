/** The helpers that `sip-push/sdk` exports for applications. */

import { sha256 } from 'sip-push/formats';
import { ConfigurationError, FetchError, LimitError, MalformedError, refuse, retryDelay } from 'sip-push/sdk';
import { describe, expect, it } from 'vitest';
import {
  ConfigurationError as CoreConfigurationError,
  PushRefused as CorePushRefused,
} from '../../core/errors.js';

describe('errors', () => {
  it('are the classes that the runtime recognizes', () => {
    expect(ConfigurationError).toBe(CoreConfigurationError);
    expect(refuse('busy', 'later')).toBeInstanceOf(CorePushRefused);
    expect([FetchError, LimitError, MalformedError].every((error) => error.prototype instanceof Error)).toBe(
      true,
    );
  });
});

describe('retryDelay', () => {
  const limits = { first: 30_000, longest: 100_000, attempts: 5 };
  const failure = new FetchError('status', 'x', { status: 503 });

  it.each([
    [1, 30_000],
    [2, 60_000],
    [3, 100_000],
    [4, 100_000],
  ])('after failure %i is between half of %i and all of it', (failures, most) => {
    const delay = retryDelay(limits, failures, failure);
    expect(delay).toBeGreaterThanOrEqual(most / 2);
    expect(delay).toBeLessThanOrEqual(most);
  });

  it('is at least the Retry-After of the server, up to the longest delay', () => {
    const busy = (retryAfter: number) => new FetchError('status', 'x', { status: 503, retryAfter });
    expect(retryDelay(limits, 1, busy(90))).toBe(90_000);
    expect(retryDelay(limits, 1, busy(3600))).toBe(100_000);
  });

  it('is undefined after the last attempt', () => {
    expect(retryDelay(limits, 5, failure)).toBeUndefined();
  });

  it.each([
    [new FetchError('not-allowed', 'x'), false],
    [new FetchError('timeout', 'x'), true],
    [new FetchError('status', 'x', { status: 404 }), false],
    [new FetchError('status', 'x', { status: 503 }), true],
    [Object.assign(new Error('x'), { transient: false }), false],
    [new Error('x'), true],
    ['x', true],
  ])('%s: retried %s', (thrown, retried) => {
    expect(retryDelay(limits, 1, thrown) !== undefined).toBe(retried);
  });
});

describe('sha256', () => {
  it('of a text is that of its octets in UTF-8 (FIPS 180-4, "abc")', async () => {
    const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(await sha256('abc')).toBe(digest);
    expect(await sha256(Uint8Array.of(0x61, 0x62, 0x63))).toBe(digest);
  });
});
