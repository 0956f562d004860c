import { describe, expect, it } from 'vitest';
import { readManifest } from '../../../core/app/contract/manifest.js';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import { ConfigurationError } from '../../../core/errors.js';

const good = {
  id: 'mms.ua',
  accepts: ['application/vnd.wap.mms-message'],
  start: () => ({ receive() {} }),
};

/** Default exports of modules that were not type-checked. */
const definition = (value: unknown) => value as PushAppDefinition;

describe('the manifest of a push application', () => {
  it('has defaults for optional fields', () => {
    expect(readManifest(good)).toEqual({
      eventAppId: 'mms.ua',
      accepts: ['application/vnd.wap.mms-message'],
      needs: [],
      provides: [],
      replaces: [],
      events: {},
      queries: {},
      delivery: 'durable',
      order: 'serial',
      timeout: 10,
      label: 'mms.ua (application/vnd.wap.mms-message)',
    });
  });

  it('7.1-04: x-wap-application:mms.ua is mms.ua', () => {
    expect(readManifest({ ...good, id: 'x-wap-application:mms.ua' }).eventAppId).toBe('mms.ua');
  });

  it.each([
    [undefined, 'missing push application: expected definePushApp({ … }) as the default export'],
    [[], 'invalid push application, an empty list'],
    [{ ...good, id: undefined }, 'missing id of a push application: expected an event-app-id like "mms.ua"'],
    [{ ...good, id: 'mms ua' }, 'invalid id of a push application "mms ua": expected an event-app-id'],
    [{ ...good, id: '!mms.ua' }, 'invalid id "!mms.ua": expected an event-app-id without "!"'],
    [{ ...good, acepts: [] }, 'mms.ua: unknown key "acepts"; did you mean "accepts"?'],
    [{ ...good, colour: 1 }, 'mms.ua: unknown key "colour": expected one of id, replaces, accepts, maxSize'],
    [{ ...good, start: {} }, 'mms.ua: invalid start, an object: expected a function'],
    [
      { ...good, accepts: [] },
      'mms.ua: invalid accepts, an empty list: expected the media types that it accepts',
    ],
    [{ ...good, accepts: 'text/plain' }, 'mms.ua: invalid accepts "text/plain": expected the media types'],
    [
      { ...good, accepts: ['a/b', 'text'] },
      'mms.ua: invalid accepts[1] "text": expected a media type without',
    ],
    [
      { ...good, accepts: ['Text/Plain'] },
      'mms.ua: invalid accepts[0] "Text/Plain": expected lower case, "text/plain"',
    ],
    [{ ...good, accepts: ['a/b', 'a/b'] }, 'mms.ua: duplicate accepts[1] "a/b"'],
    [{ ...good, needs: 'log' }, 'mms.ua: invalid needs "log": expected names of services'],
    [{ ...good, needs: [1] }, 'mms.ua: invalid needs, a list with an invalid value'],
    [{ ...good, delivery: 'lazy' }, 'mms.ua: invalid delivery "lazy": expected "direct" or "durable"'],
    [{ ...good, limits: { size: 5 } }, 'mms.ua: unknown key "limits"'],
    [{ ...good, maxSize: 1.5 }, 'mms.ua: invalid maxSize 1.5: expected bytes'],
    [{ ...good, maxSize: 0 }, 'mms.ua: invalid maxSize 0: expected bytes, a whole number above 0'],
    [{ ...good, timeout: 0 }, 'mms.ua: invalid timeout 0: expected seconds above 0 and at most 3600'],
    [{ ...good, timeout: 4000 }, 'at most 3600, with delivery "durable"'],
    [{ ...good, delivery: 'direct', timeout: 15 }, 'at most 14, with delivery "direct"'],
    [
      { ...good, order: 'fifo' },
      'mms.ua: invalid order "fifo": expected "serial", "parallel", or a function',
    ],
    [{ ...good, replaces: 'old.ua' }, 'mms.ua: invalid replaces "old.ua": expected earlier event-app-ids'],
    [
      { ...good, events: ['forecast'] },
      'mms.ua: invalid events, a list with an invalid value: expected an object',
    ],
    [{ ...good, events: { 'a b': true } }, 'mms.ua: invalid name "a b" in events: expected a letter'],
    [{ ...good, events: { forecast: {} } }, 'mms.ua: invalid events.forecast, an object: expected a schema'],
    [{ ...good, queries: { current: false } }, 'mms.ua: invalid queries.current false: expected a schema'],
    [{ ...good, iari: 'mine' }, 'mms.ua: invalid iari "mine": expected a URN'],
  ])('%# is rejected with a message that says what to write', (value, words) => {
    expect(() => readManifest(definition(value))).toThrow(ConfigurationError);
    expect(() => readManifest(definition(value))).toThrow(words);
  });

  it('that throws when it is read is rejected', () => {
    const trap = {
      ...good,
      get accepts(): string[] {
        throw new Error('no');
      },
    };
    expect(() => readManifest(trap)).toThrow(ConfigurationError);
  });
});
