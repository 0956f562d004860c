import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../core/errors.js';
import { TrustList } from '../../../core/sip/values/asserted-identity.js';
import { request } from '../../support/sip/requests.js';

const asserted = (...values: string[]) =>
  request(
    'MESSAGE',
    'sip:bob@domain.test',
    values.map((value) => `P-Asserted-Identity: ${value}`),
  );

const trusts = (patterns: string[], ...values: string[]) =>
  new TrustList(patterns).trusted(asserted(...values));

describe('8.1.1-02, 9-01: trust by the identity that the core asserts', () => {
  it('uses the URI of every form of the header', () => {
    const uri = 'sip:psa@domain.test';
    expect(trusts([uri], `<${uri}>`)).toBe(uri);
    expect(trusts([uri], uri)).toBe(uri);
    expect(trusts([uri], `"Push, Sender" <${uri}>`)).toBe(uri);
    expect(trusts([uri], 'sip:psa@DOMAIN.test')).toBe('sip:psa@DOMAIN.test');
    expect(trusts([uri], '<sip:%70sa@domain.test>')).toBe('sip:%70sa@domain.test');
  });

  it('never trusts a display name', () => {
    expect(
      trusts(['sip:psa@domain.test'], '"sip:psa@domain.test" <sip:mallory@domain.test>'),
    ).toBeUndefined();
    expect(
      trusts(['sip:psa@domain.test'], '"<sip:psa@domain.test>" <sip:mallory@evil.test>'),
    ).toBeUndefined();
  });

  it('trusts no identity without a header or without a list', () => {
    expect(trusts(['sip:psa@domain.test'])).toBeUndefined();
    expect(trusts([], 'sip:psa@domain.test')).toBeUndefined();
  });

  it.each([
    ['sip:*@trusted.test', 'sip:anyone@trusted.test', true],
    ['sip:*@trusted.test', 'sip:anyone@nottrusted.test', false],
    ['sip:*@trusted.test', 'sip:anyone@trusted.test.evil.test', false],
    ['sip:*@trusted.test', 'sips:anyone@trusted.test', false],
    ['sip:psa@*', 'sip:psa@anywhere.test', true],
    ['sip:psa@*', 'sip:psb@anywhere.test', false],
    ['sip:psa@*.operator.test', 'sip:psa@a.b.operator.test', true],
    ['sip:psa@*.operator.test', 'sip:psa@operator.test', false],
    ['sip:psa@*.operator.test', 'sip:psa@evil-operator.test', false],
    ['sip:psa@domain.test', 'sip:PSA@domain.test', false],
    ['sip:psa@domain.test', 'sip:psa@domain.test:5070', false],
    ['sip:psa.domain.test', 'sip:psa.domain.test', true],
    ['tel:+15550100', 'tel:+1-555-0100', true],
    ['tel:+15550100', 'tel:+15550101', false],
    ['tel:+15550100', 'tel:+15550100;ext=5', true],
    // RFC 3966 §5.1.5: a local number is only valid with its context.
    ['tel:7042;phone-context=operator.test', 'tel:7042;phone-context=Operator.test', true],
    ['tel:7042;phone-context=operator.test', 'tel:7042;phone-context=evil.test', false],
    ['tel:7042', 'tel:7042;phone-context=evil.test', false],
  ])('%s and %s: %s', (pattern, identity, trusted) => {
    expect(trusts([pattern], `<${identity}>`) === identity).toBe(trusted);
  });

  it('accepts one sip and one tel identity if one of them is trusted', () => {
    expect(trusts(['tel:+15550100'], '<sip:psa@domain.test>, <tel:+15550100>')).toBe('tel:+15550100');
    expect(trusts(['sip:psa@domain.test'], '<tel:+15550100>', '<sip:psa@domain.test>')).toBe(
      'sip:psa@domain.test',
    );
  });

  it('RFC 3325 9.1: refuses more than two values, two with the same scheme, or an invalid URI', () => {
    const trust = new TrustList(['sip:psa@domain.test']);
    for (const values of [
      ['<sip:psa@domain.test>', '<sip:x@domain.test>'],
      ['<sip:psa@domain.test>, <sips:psa@domain.test>'],
      ['<tel:+1555>, <tel:+1556>, <sip:psa@domain.test>'],
      ['<http://psa.test>'],
    ]) {
      expect(() => trust.trusted(asserted(...values)), values.join()).toThrow(MalformedError);
    }
  });

  it('refuses an invalid list entry, and names it', () => {
    expect(() => new TrustList(['psa@domain.test'])).toThrow(/psa@domain\.test/);
  });
});
