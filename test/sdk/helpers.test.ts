/** The helpers that `sip-push/sdk` exports for applications. */

import {
  ConfigurationError,
  FetchError,
  isHttpUrl,
  isTransient,
  knownFields,
  LimitError,
  MalformedError,
  PushRefused,
  printable,
  printableReason,
  sha256,
  TaskQueue,
} from 'sip-push/sdk';
import { describe, expect, it } from 'vitest';
import {
  ConfigurationError as CoreConfigurationError,
  PushRefused as CorePushRefused,
} from '../../core/errors.js';

describe('errors', () => {
  it('are the classes that the runtime recognizes', () => {
    expect(ConfigurationError).toBe(CoreConfigurationError);
    expect(PushRefused).toBe(CorePushRefused);
    expect([FetchError, LimitError, MalformedError].every((error) => error.prototype instanceof Error)).toBe(
      true,
    );
  });
});

describe('printable', () => {
  it.each([
    ['a\r\nb\u001b[2Jc', 'a  b [2Jc'],
    ['1\u20282\u20293\u00854', '1 2 3 4'],
    ['\u202egnp.exe\u2066', ' gnp.exe '],
    // Marks in Arabic and Hebrew text are harmless.
    ['שלום\u200f!', 'שלום\u200f!'],
  ])('makes one line of %j', (text, line) => {
    expect(printable(text)).toBe(line);
  });

  it('gets the reason from an error, or from another thrown value', () => {
    expect(printableReason(new Error('no\nway'))).toBe('no way');
    expect(printableReason('no\tway')).toBe('no way');
    expect(printableReason(undefined)).toBe('undefined');
  });
});

describe('knownFields', () => {
  it('returns the fields of an object with known fields', () => {
    expect(knownFields({ load: true }, ['load', 'keep'])).toEqual({ load: true });
    expect(knownFields(JSON.parse('{}'), ['load'])).toEqual({});
  });

  it.each<[unknown, string]>([
    [undefined, 'invalid options: expected an object with load, keep'],
    [null, 'invalid options: expected an object with load, keep'],
    [['load'], 'invalid options: expected an object with load, keep'],
    [{ load: true, laod: true }, 'unknown option options.laod: expected load, keep'],
    [JSON.parse('{"__proto__":1}'), 'unknown option options.__proto__: expected load, keep'],
  ])('rejects %j with the path and the expected type', (value, message) => {
    expect(() => knownFields(value, ['load', 'keep'])).toThrow(new ConfigurationError(message));
  });

  it('names the object by its path', () => {
    expect(() => knownFields({ name: 1 }, ['id'], 'options.servers[0]')).toThrow(
      new ConfigurationError('unknown option options.servers[0].name: expected id'),
    );
  });
});

describe('isHttpUrl', () => {
  it.each<[unknown, boolean]>([
    ['http://mmsc.example/', true],
    ['HTTPS://mmsc.example', true],
    ['ftp://mmsc.example/', false],
    ['mmsc.example', false],
    [undefined, false],
    [7, false],
  ])('%j: %s', (value, expected) => {
    expect(isHttpUrl(value)).toBe(expected);
  });
});

describe('isTransient', () => {
  it.each([
    [new FetchError('not-allowed', 'x'), false],
    [new FetchError('timeout', 'x'), true],
    [new FetchError('status', 'x', { status: 404 }), false],
    [new FetchError('status', 'x', { status: 503 }), true],
    [Object.assign(new Error('x'), { transient: false }), false],
    [new Error('x'), true],
    ['x', true],
  ])('%s: %s', (thrown, transient) => {
    expect(isTransient(thrown)).toBe(transient);
  });
});

describe('sha256', () => {
  it('of a text is that of its octets in UTF-8 (FIPS 180-4, "abc")', async () => {
    const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(await sha256('abc')).toBe(digest);
    expect(await sha256(Uint8Array.of(0x61, 0x62, 0x63))).toBe(digest);
  });
});

describe('TaskQueue', () => {
  it('runs tasks one after another, also after a failed one', async () => {
    const turns = new TaskQueue();
    const order: string[] = [];
    const first = turns.run(async () => {
      await Promise.resolve();
      order.push('first');
      throw new Error('failed');
    });
    const second = turns.run(async () => {
      order.push('second');
      return 2;
    });
    await expect(first).rejects.toThrow('failed');
    expect(await second).toBe(2);
    expect(order).toEqual(['first', 'second']);
  });
});
