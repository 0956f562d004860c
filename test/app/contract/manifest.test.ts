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
    [undefined, 'a push application is missing; expected its default export is definePushApp({ … })'],
    [[], 'a push application is an empty list'],
    [
      { ...good, id: undefined },
      'id of a push application is missing; expected an event-app-id like "mms.ua"',
    ],
    [{ ...good, id: 'mms ua' }, 'id of a push application is "mms ua"; expected an event-app-id'],
    [{ ...good, id: '!mms.ua' }, 'id "!mms.ua" begins with "!"'],
    [{ ...good, acepts: [] }, 'mms.ua: acepts is not known; did you mean accepts?'],
    [{ ...good, colour: 1 }, 'mms.ua: colour is not known; expected id, replaces, accepts, maxSize'],
    [{ ...good, start: {} }, 'mms.ua: start is an object; expected a function'],
    [{ ...good, accepts: [] }, 'mms.ua: accepts is an empty list; expected the media types it takes'],
    [{ ...good, accepts: 'text/plain' }, 'mms.ua: accepts is "text/plain"; expected the media types'],
    [{ ...good, accepts: ['a/b', 'text'] }, 'mms.ua: accepts[1] is "text"; expected a media type without'],
    [
      { ...good, accepts: ['Text/Plain'] },
      'mms.ua: accepts[0] is "Text/Plain"; write it in lower case: "text/plain"',
    ],
    [{ ...good, accepts: ['a/b', 'a/b'] }, 'mms.ua: accepts[1] is "a/b" again'],
    [{ ...good, needs: 'log' }, 'mms.ua: needs is "log"; expected names of services'],
    [{ ...good, needs: [1] }, 'mms.ua: needs is a list of other things'],
    [{ ...good, delivery: 'lazy' }, 'mms.ua: delivery is "lazy"; expected "direct" or "durable"'],
    [{ ...good, limits: { size: 5 } }, 'mms.ua: limits is not known'],
    [{ ...good, maxSize: 1.5 }, 'mms.ua: maxSize is 1.5; expected bytes'],
    [{ ...good, maxSize: 0 }, 'mms.ua: maxSize is 0; expected bytes, a whole number above 0'],
    [{ ...good, timeout: 0 }, 'mms.ua: timeout is 0; expected seconds above 0 and at most 3600'],
    [{ ...good, timeout: 4000 }, 'at most 3600, with delivery "durable"'],
    [{ ...good, delivery: 'direct', timeout: 15 }, 'at most 14, with delivery "direct"'],
    [{ ...good, order: 'fifo' }, 'mms.ua: order is "fifo"; expected "serial", "parallel", or a function'],
    [{ ...good, replaces: 'old.ua' }, 'mms.ua: replaces is "old.ua"; expected earlier event-app-ids'],
    [{ ...good, events: ['forecast'] }, 'mms.ua: events is a list of other things; expected an object'],
    [{ ...good, events: { 'a b': true } }, 'mms.ua: events has the name "a b"; expected a letter'],
    [{ ...good, events: { forecast: {} } }, 'mms.ua: events.forecast is an object; expected a schema'],
    [{ ...good, queries: { current: false } }, 'mms.ua: queries.current is false; expected a schema'],
    [{ ...good, iari: 'mine' }, 'mms.ua: iari is "mine"; expected a URN'],
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
