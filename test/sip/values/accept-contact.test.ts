import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  acceptContactParameters,
  callerPreference,
  formatAcceptContact,
  parseAcceptContact,
  score,
} from '../../../core/sip/values/accept-contact.js';
import { type FeatureSet, parseFeatureParameters } from '../../../core/sip/values/feature-tags.js';
import { parseNameAddr } from '../../../core/sip/values/name-addr.js';

function contact(parameters: string): FeatureSet {
  const parsed = parseNameAddr(`<sip:a@b>${parameters}`);
  if (!parsed) throw new Error(`${parameters} was refused`);
  return parseFeatureParameters(parsed.parameters);
}

function accept(text: string) {
  const [only, ...more] = parseAcceptContact([text]);
  if (!only || more.length > 0) throw new Error(`${text} is not one value`);
  return only;
}

describe('parseAcceptContact', () => {
  it('reads features, require and explicit (RFC 3841 9.2)', () => {
    const parsed = accept('*;audio;+g.oma.pusheventapp="mms.ua";REQUIRE;explicit;unknown=1');
    expect([...parsed.features.keys()]).toEqual(['audio', '+g.oma.pusheventapp']);
    expect(parsed).toMatchObject({ require: true, explicit: true });
  });

  it('reads several values on one line or on several', () => {
    expect(parseAcceptContact(['*;audio, *;video;require'])).toHaveLength(2);
    expect(parseAcceptContact(['*;audio', '*;video;require'])).toHaveLength(2);
  });

  // OMA-TS-SIP_Push appendix B, as printed.
  it.each([
    '*;+g.oma.pusheventapp="dcd.ua,loc.ua,wml.ua,syncml.dm"',
    '*; +g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.omapush"; +g.oma.pusheventapp="wml.ua"',
    '*, +g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.omapush", +g.oma.pusheventapp="wml.ua"',
    '* ;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.omapush" +g.oma.pusheventapp="wml.ua";',
  ])('accepts the spelling of the sample flows: %s', (text) => {
    expect(acceptContactParameters([text])[0]?.get('+g.oma.pusheventapp')).toMatch(/wml\.ua/);
    // The same if the header has split the line at its commas.
    expect(parseAcceptContact(text.split(/, (?=\+)/))).toEqual([accept(text)]);
  });

  it('ignores malformed values', () => {
    expect(parseAcceptContact(['*;="x"', '*;audio;audio', '*;video'])).toHaveLength(1);
    expect(parseAcceptContact([])).toEqual([]);
    expect(parseAcceptContact([''])).toEqual([]);
  });

  it('reads back what formatAcceptContact wrote', () => {
    const tag = fc.tuple(
      fc.stringMatching(/^\+[a-z][a-z0-9.-]{0,12}$/),
      fc.array(fc.stringMatching(/^!?[a-z0-9][A-Za-z0-9.:"\\-]{0,9}$/), { maxLength: 4 }),
    );
    const tags = fc.uniqueArray(tag, { selector: ([name]) => name });
    fc.assert(
      fc.property(tags, fc.boolean(), fc.boolean(), (features, require, explicit) => {
        const written = formatAcceptContact(features, { require, explicit });
        const read = accept(written);
        const [parameters] = acceptContactParameters([written]);
        expect(read).toMatchObject({ require, explicit });
        for (const [name, values] of features) {
          expect(parameters?.get(name)).toBe(values.join(','));
          expect(read.features.get(name)).toHaveLength(Math.max(values.length, 1));
        }
      }),
    );
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseAcceptContact([text, `*;${text}`])));
  });
});

describe('score (RFC 3841 7.2.4)', () => {
  it('is the fraction of the wanted features that the contact states', () => {
    expect(score(contact(';audio;video'), accept('*;audio;video'))).toBe(1);
    expect(score(contact(';audio'), accept('*;audio;video'))).toBe(0.5);
    expect(score(contact(';text'), accept('*;audio;video'))).toBe(0);
  });

  it('is 1 for a contact without features, which is immune', () => {
    expect(score(contact(';q=0.5;expires=60'), accept('*;audio;require;explicit'))).toBe(1);
  });

  it('drops a contact that contradicts a feature only with require', () => {
    expect(score(contact(';audio="FALSE"'), accept('*;audio;require'))).toBeUndefined();
    expect(score(contact(';audio="FALSE"'), accept('*;audio'))).toBe(0);
  });

  it('keeps a contact that does not state the feature, unless explicit is set too', () => {
    expect(score(contact(';video'), accept('*;audio;require'))).toBe(0);
    expect(score(contact(';video'), accept('*;audio;require;explicit'))).toBeUndefined();
    expect(score(contact(';audio'), accept('*;audio;video;explicit'))).toBe(0);
  });

  it('8.1.2-01: finds the terminal that has the push application', () => {
    const wanted = accept('*;+g.oma.pusheventapp="mms.ua";require;explicit');
    expect(score(contact(';+g.oma.pusheventapp="wml.ua,mms.ua"'), wanted)).toBe(1);
    expect(score(contact(';+g.oma.pusheventapp="wml.ua"'), wanted)).toBeUndefined();
    expect(score(contact(';methods="MESSAGE"'), wanted)).toBeUndefined();
  });
});

describe('callerPreference', () => {
  it('is the mean over the values that the contact matches', () => {
    const accepts = parseAcceptContact(['*;audio;video', '*;text', '*;priority="#>=5"']);
    expect(callerPreference(contact(';audio;text;priority="#=2"'), accepts)).toBe(0.75);
    expect(callerPreference(contact(';audio="FALSE";text="FALSE";priority="#=2"'), accepts)).toBe(0);
  });

  it('is undefined if one value drops the contact', () => {
    expect(
      callerPreference(contact(';audio;text="FALSE"'), parseAcceptContact(['*;audio', '*;text;require'])),
    ).toBeUndefined();
  });

  it('is 1 without preferences, and for an immune contact', () => {
    expect(callerPreference(contact(';audio'), [])).toBe(1);
    expect(callerPreference(contact(''), parseAcceptContact(['*;audio;require;explicit']))).toBe(1);
  });

  it('stays bounded on hostile values', () => {
    const many = Array.from({ length: 8000 }, (_, at) => `a${at}`).join(',');
    const none = many.replaceAll('a', 'b');
    expect(callerPreference(contact(`;+x="${many}"`), parseAcceptContact([`*;+x="${none}"`]))).toBe(0);
  });
});
