import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readProfile,
  type UserAgentProfile,
  writeProfile,
} from '../../../core/content/user-agent-profile.js';
import { MalformedError } from '../../../core/errors.js';

const fixtures = new URL('../fixtures/', import.meta.url);
const names = (kind: string) =>
  readdirSync(new URL(`${kind}/`, fixtures)).filter((name) => name.startsWith('10-profile'));
const read = (kind: string, name: string) =>
  new Uint8Array(readFileSync(new URL(`${kind}/${name}`, fixtures)));

describe('a User Agent Profile', () => {
  it('5.1-10: the sample of the reference contains the push characteristics', () => {
    expect(readProfile(read('valid', '10-profile-sample.xml'))).toEqual({
      applications: ['x-wap-application:wml.ua'],
      mediaTypes: ['text/vnd.wap.si', 'application/vnd.wap.sic'],
      maxSize: 1400,
    });
  });

  it('is recognized by namespaces, not prefixes; properties take precedence over defaults', () => {
    expect(readProfile(read('valid', '10-profile-telephone.xml'))).toEqual({
      vendor: 'Müller',
      model: 'M1',
      applications: ['*'],
      mediaTypes: ['application/vnd.wap.mms-message', 'text/vnd.wap.si', 'image/*'],
      maxSize: 3000,
    });
  });

  it('can have no push characteristics', () => {
    expect(readProfile(read('valid', '10-profile-nothing-of-push.xml'))).toEqual({});
  });

  it.each(names('broken'))('%s is refused', (name) => {
    expect(() => readProfile(read('broken', name))).toThrow(MalformedError);
  });

  it.each([
    ['10-profile-size-is-no-number.xml', 'invalid Push-MsgSize "1.4 kB": expected a number of octets'],
    [
      '10-profile-other-root.xml',
      'User Agent Profile: invalid root element rdf:Seq: expected RDF in its namespace',
    ],
  ])('%s: the error names the invalid value', (name, message) => {
    expect(() => readProfile(read('broken', name))).toThrow(message);
  });

  it('is written and read back', () => {
    const profile: UserAgentProfile = {
      vendor: 'A & B <GmbH>',
      model: 'Model "1"',
      applications: ['mms.ua', 'x-wap-vendor:a.b'],
      mediaTypes: ['application/vnd.wap.mms-message', 'image/*', '*/*'],
      maxSize: 1_073_741_824,
    };
    expect(readProfile(writeProfile(profile))).toEqual(profile);
    expect(readProfile(writeProfile({}))).toEqual({});
    expect(readProfile(writeProfile({ applications: [], mediaTypes: [] }))).toEqual({
      applications: [],
      mediaTypes: [],
    });
  });

  it('has typed components for its properties only', () => {
    const written = new TextDecoder().decode(writeProfile({ applications: ['mms.ua'] }));
    expect(written).toContain('ccppschema-20021212#PushCharacteristics"/>');
    expect(written).toContain('<prf:Push-Accept-AppID><rdf:Bag><rdf:li>mms.ua</rdf:li></rdf:Bag>');
    expect(written).not.toContain('HardwarePlatform');
  });

  it('is read back with any values', () => {
    const text = fc
      .string({ minLength: 1, maxLength: 40, unit: 'grapheme-ascii' })
      .filter((value) => value === value.trim());
    const profile = fc.record(
      {
        vendor: text,
        model: text,
        applications: fc.uniqueArray(text, { maxLength: 5 }),
        mediaTypes: fc.uniqueArray(fc.constantFrom('text/plain', 'image/*', 'a/b+c', '*/*'), {
          maxLength: 4,
        }),
        maxSize: fc.maxSafeNat(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(profile, (value) => {
        expect(readProfile(writeProfile(value))).toEqual({ ...value });
      }),
    );
  });

  it('throws only MalformedError when octets are removed or changed', () => {
    const sample = read('valid', '10-profile-telephone.xml');
    const octets = fc.tuple(fc.nat(sample.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(octets, { minLength: 1, maxLength: 4 }), fc.nat(sample.length), (changes, end) => {
        const changed = Uint8Array.from(sample);
        for (const [at, octet] of changes) changed[at] = octet;
        try {
          readProfile(changed.subarray(0, end));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }),
    );
  });
});
