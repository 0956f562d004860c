import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../core/errors.js';
import { SipHeaders } from '../../../core/sip/message/message.js';

const list = (headers: SipHeaders) => [...headers.entries()];

describe('SipHeaders', () => {
  it('compares names case-insensitively and writes them in their usual capitalization (RFC 3261 §7.3.1)', () => {
    const headers = new SipHeaders()
      .append('call-id', 'a')
      .append('CSEQ', '1 MESSAGE')
      .append('p-asserted-identity', '<sip:a@b>')
      .append('www-authenticate', 'Digest');
    expect(list(headers).map(([name]) => name)).toEqual([
      'Call-ID',
      'CSeq',
      'P-Asserted-Identity',
      'WWW-Authenticate',
    ]);
    expect(headers.get('CALL-id')).toBe('a');
  });

  it('knows every compact form', () => {
    const forms = {
      a: 'Accept-Contact',
      b: 'Referred-By',
      c: 'Content-Type',
      d: 'Request-Disposition',
      e: 'Content-Encoding',
      f: 'From',
      i: 'Call-ID',
      j: 'Reject-Contact',
      k: 'Supported',
      l: 'Content-Length',
      m: 'Contact',
      o: 'Event',
      r: 'Refer-To',
      s: 'Subject',
      t: 'To',
      u: 'Allow-Events',
      v: 'Via',
      x: 'Session-Expires',
    };
    for (const [form, name] of Object.entries(forms)) {
      expect(list(new SipHeaders().append(form.toUpperCase(), 'x'))).toEqual([[name, 'x']]);
      expect(new SipHeaders().append(name, 'x').get(form)).toBe('x');
    }
  });

  it('keeps the spelling of unknown names', () => {
    expect(list(new SipHeaders().append('x-Wap-Foo', '1'))).toEqual([['x-Wap-Foo', '1']]);
    expect(new SipHeaders().append('x-Wap-Foo', '1').get('X-WAP-FOO')).toBe('1');
  });

  it('returns the same values for one line and for several', () => {
    const one = new SipHeaders().append('Supported', 'gruu, path ,outbound');
    const several = new SipHeaders()
      .append('Supported', 'gruu')
      .append('Supported', 'path')
      .append('Supported', 'outbound');
    expect(one.getAll('supported')).toEqual(['gruu', 'path', 'outbound']);
    expect(several.getAll('k')).toEqual(one.getAll('k'));
  });

  it('splits lists outside quotes and angle brackets only', () => {
    const headers = new SipHeaders().append(
      'Contact',
      '"Bell, \\"A.\\", x" <sip:a,b@c>;+g.oma.pusheventapp="mms.ua,wml.ua", <sip:d@e>',
    );
    expect(headers.getAll('Contact')).toEqual([
      '"Bell, \\"A.\\", x" <sip:a,b@c>;+g.oma.pusheventapp="mms.ua,wml.ua"',
      '<sip:d@e>',
    ]);
    expect(headers.get('Contact')).toBe(
      '"Bell, \\"A.\\", x" <sip:a,b@c>;+g.oma.pusheventapp="mms.ua,wml.ua"',
    );
  });

  it('does not split a header that is not a list', () => {
    const date = 'Sat, 13 Nov 2010 23:29:00 GMT';
    expect(new SipHeaders().append('Date', date).getAll('Date')).toEqual([date]);
    expect(new SipHeaders().append('X-Unknown', 'a,b').getAll('X-Unknown')).toEqual(['a,b']);
  });

  it('distinguishes an empty header from an absent one', () => {
    const headers = new SipHeaders().append('Supported', '').append('Subject', '');
    expect(headers.has('Supported')).toBe(true);
    expect(headers.getAll('Supported')).toEqual([]);
    expect(headers.get('Supported')).toBeUndefined();
    expect(headers.get('Subject')).toBe('');
    expect(headers.has('Via')).toBe(false);
  });

  it('sets in place, prepends on top, deletes all', () => {
    const headers = new SipHeaders()
      .append('Via', 'a')
      .append('From', 'f')
      .append('Via', 'b')
      .append('To', 't');
    headers.set('Via', ['c', 'd']).prepend('Via', 'top');
    expect(list(headers)).toEqual([
      ['Via', 'top'],
      ['Via', 'c'],
      ['Via', 'd'],
      ['From', 'f'],
      ['To', 't'],
    ]);
    headers.delete('v');
    headers.set('From', []);
    expect(list(headers)).toEqual([['To', 't']]);
  });

  it('removes one element of a list line', () => {
    const headers = new SipHeaders()
      .append('Route', ' , <sip:a;lr>, <sip:b;lr> ,')
      .append('Route', '<sip:c;lr>');
    expect(headers.removeFirst('Route')).toBe('<sip:a;lr>');
    expect(headers.getAll('Route')).toEqual(['<sip:b;lr>', '<sip:c;lr>']);
    expect(headers.removeFirst('Route')).toBe('<sip:b;lr>');
    expect(headers.removeFirst('Route')).toBe('<sip:c;lr>');
    expect(headers.removeFirst('Route')).toBeUndefined();
    expect(headers.has('Route')).toBe(false);
  });

  it('is not affected by changes to its clone', () => {
    const headers = new SipHeaders().append('Via', 'a, b');
    const clone = headers.clone();
    clone.removeFirst('Via');
    clone.append('To', 't');
    expect(list(headers)).toEqual([['Via', 'a, b']]);
  });

  it('refuses a value that would become another header', () => {
    const headers = new SipHeaders();
    for (const value of ['a\r\nRoute: x', 'a\nb', 'a\rb']) {
      expect(() => headers.append('Subject', value)).toThrow(MalformedError);
      expect(() => headers.prepend('Subject', value)).toThrow(MalformedError);
      expect(() => headers.set('Subject', [value])).toThrow(MalformedError);
    }
    expect(() => headers.append('Sub ject', 'x')).toThrow(MalformedError);
    expect(() => headers.append('', 'x')).toThrow(MalformedError);
  });

  it('returns the elements of a list however they are divided into lines', () => {
    const element = fc.stringMatching(/^(?:[a-z0-9;=]|"[a-z,<>]*"|<[a-z,]*>)+$/);
    fc.assert(
      fc.property(fc.array(fc.array(element, { minLength: 1, maxLength: 4 }), { maxLength: 4 }), (lines) => {
        const headers = new SipHeaders();
        for (const line of lines) headers.append('Route', line.join(' , '));
        const all = lines.flat();
        expect(headers.getAll('Route')).toEqual(all);
        expect(headers.get('Route')).toBe(all[0]);
        for (const each of all) expect(headers.removeFirst('Route')).toBe(each);
        expect(headers.has('Route')).toBe(false);
      }),
    );
  });
});
