import { describe, expect, it } from 'vitest';
import {
  canonicalEventAppId,
  distinctEventAppIds,
  eventAppKey,
  isEventAppId,
  parseEventAppIds,
} from '../../../core/app/contract/event-app-id.js';

describe('7.1-03: an event-app-id', () => {
  it.each(['mms.ua', 'x-wap-application:mms.ua', 'urn:x:y', '#+-~', 'a'])('accepts %s', (text) => {
    expect(isEventAppId(text)).toBe(true);
  });

  it.each(['', ' ', 'mms ua', 'mms,ua', 'mms"ua', 'mm\u00e4.ua', 'mms.ua\n', 'a'.repeat(256)])(
    'rejects %j',
    (text) => {
      expect(isEventAppId(text)).toBe(false);
    },
  );
});

describe('7.1-04: full URN and short form', () => {
  it.each([
    ['x-wap-application:mms.ua', 'mms.ua'],
    ['X-WAP-Application:mms.ua', 'mms.ua'],
    ['mms.ua', 'mms.ua'],
    ['x-wap-vodafone:dcd.ua', 'x-wap-vodafone:dcd.ua'],
    ['x-oma-docomo:dcd.ua', 'x-oma-docomo:dcd.ua'],
    ['x-wap-application:', 'x-wap-application:'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalEventAppId(text)).toBe(canonical);
  });
});

describe('7.1-02: ids are compared as values of a feature tag (RFC 3840 9)', () => {
  it.each([
    ['MMS.ua', 'mms.UA', true],
    ['X-WAP-Application:Mms.ua', 'mms.ua', true],
    ['<Mms.ua>', '<mms.ua>', false],
    ['mms.ua', 'wml.ua', false],
  ])('%s and %s: the same, %s', (one, other, same) => {
    expect(eventAppKey(one) === eventAppKey(other)).toBe(same);
    expect(distinctEventAppIds([one, other, one])).toEqual(same ? [one] : [one, other]);
  });
});

describe('7.1-03: the value of the feature tag', () => {
  it.each([
    ['mms.ua', ['mms.ua']],
    ['wml.ua,mms.ua,wv.ua,loc.ua, syncml.dm', ['wml.ua', 'mms.ua', 'wv.ua', 'loc.ua', 'syncml.dm']],
    ['', []],
    [' , ,a b, ok ', ['ok']],
  ])('%j holds %j', (value, ids) => {
    expect(parseEventAppIds(value)).toEqual(ids);
  });
});
