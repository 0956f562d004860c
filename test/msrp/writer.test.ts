import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../core/errors.js';
import {
  endLine,
  holdsTransactionId,
  MsrpHeaders,
  type MsrpRequest,
  type MsrpResponse,
  newMessageId,
  newSessionId,
  newTransactionId,
  requestHead,
  responseFrame,
  transactionIdFor,
} from '../../core/msrp/frames/frame.js';
import { formatStatus, parseStatus } from '../../core/msrp/messages/status.js';
import { latin1, octets, plain, report } from './frames.js';

const BOB = 'msrp://bob.example.com:8888/9di4eae923wzd;tcp';
const ALICE = 'msrp://alicepc.example.com:7777/iau39soe2843z;tcp';

function send(fields: Record<string, string> = {}): MsrpRequest {
  const headers = new MsrpHeaders();
  for (const [name, value] of Object.entries(fields)) headers.set(name, value);
  return { method: 'SEND', transactionId: 'd93kswow', toPath: [BOB], fromPath: [ALICE], headers };
}

const ok: MsrpResponse = {
  transactionId: 'd93kswow',
  status: 200,
  comment: 'OK',
  toPath: [ALICE],
  fromPath: [BOB],
  headers: new MsrpHeaders(),
};

describe('requests (RFC 4975 §7.1)', () => {
  it('are a head, an unchanged body, and an end-line', () => {
    const request = send({
      'Message-ID': '12339sdqwer',
      'Byte-Range': '1-16/16',
      'Content-Type': 'text/plain',
    });
    expect(
      `${latin1(requestHead(request, true))}Hi, I'm Alice!${latin1(endLine('d93kswow', '$', true))}`,
    ).toBe(
      'MSRP d93kswow SEND\r\n' +
        `To-Path: ${BOB}\r\n` +
        `From-Path: ${ALICE}\r\n` +
        'Message-ID: 12339sdqwer\r\n' +
        'Byte-Range: 1-16/16\r\n' +
        'Content-Type: text/plain\r\n' +
        '\r\n' +
        "Hi, I'm Alice!\r\n" +
        '-------d93kswow$\r\n',
    );
  });

  it('without a body have no empty line', () => {
    expect(
      latin1(requestHead(send({ 'Message-ID': '1' }), false)) + latin1(endLine('d93kswow', '+', false)),
    ).toBe(
      `MSRP d93kswow SEND\r\nTo-Path: ${BOB}\r\nFrom-Path: ${ALICE}\r\nMessage-ID: 1\r\n-------d93kswow+\r\n`,
    );
  });

  it('have the headers of their content last, and Content-Type at the end (RFC 4975 §9)', () => {
    const request = send({
      'content-type': 'text/plain',
      'Message-ID': '1',
      'Content-Disposition': 'attachment',
      'Success-Report': 'yes',
      'Content-Description': 'x',
    });
    const names = latin1(requestHead(request, true)).match(/^[A-Za-z-]+(?=:)/gm);
    expect(names?.slice(2)).toEqual([
      ...['Message-ID', 'Success-Report', 'Content-Disposition', 'Content-Description', 'content-type'],
    ]);
  });

  it('can have a path of several URIs', () => {
    const head = latin1(requestHead({ ...send(), toPath: [ALICE, BOB] }, false));
    expect(head).toContain(`To-Path: ${ALICE} ${BOB}\r\n`);
  });

  it.each<[string, Partial<MsrpRequest>]>([
    ['a method in lower case', { method: 'send' }],
    ['a method that breaks its line', { method: 'SEND\r\nX: y' }],
    ['a transaction identifier with a space', { transactionId: 'a b' }],
    ['no To-Path', { toPath: [] }],
    ['no From-Path', { fromPath: [] }],
    ['an empty URI', { toPath: [''] }],
    ['a URI that breaks its line', { fromPath: ['msrp://a;tcp\r\nX: y'] }],
  ])('are rejected with %s', (_what, wrong) => {
    expect(() => requestHead({ ...send(), ...wrong }, false)).toThrow(MalformedError);
  });
});

describe('responses (RFC 4975 §7.2)', () => {
  it('are complete frames', () => {
    expect(latin1(responseFrame(ok))).toBe(
      `MSRP d93kswow 200 OK\r\nTo-Path: ${ALICE}\r\nFrom-Path: ${BOB}\r\n-------d93kswow$\r\n`,
    );
    expect(latin1(responseFrame({ ...ok, status: 413, comment: '' }))).toMatch(/^MSRP d93kswow 413\r\n/);
  });

  it('survive a round trip', () => {
    const comments = fc.stringMatching(/^(?:[!-~][ -~]{0,30}|Zu groß)?$/);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999 }), comments, (status, comment) => {
        const response = { ...ok, status, comment };
        expect(report([responseFrame(response)])).toEqual({ frames: [{ response: plain(response) }] });
      }),
    );
  });
});

describe('headers', () => {
  it('are case-insensitive, kept as written, and replaced in place', () => {
    const headers = new MsrpHeaders().set('Message-ID', ' 1\t').set('X-Other', 'ü').set('message-id', '2');
    expect(headers.get('MESSAGE-ID')).toBe('2');
    expect(headers.has('x-other')).toBe(true);
    expect(headers.has('Status')).toBe(false);
    expect(headers.get('Status')).toBeUndefined();
    expect([...headers.entries()]).toEqual([
      ['Message-ID', '2'],
      ['X-Other', 'ü'],
    ]);
  });

  it.each([
    ['', 'x'],
    ['a b', 'x'],
    ['1st', 'x'],
    ['A:', 'x'],
    ['A', 'x\r\nB: y'],
    ['A', '\u0000'],
    ['A', '\u007f'],
  ])('reject %j: %j', (name, value) => {
    expect(() => new MsrpHeaders().set(name, value)).toThrow(MalformedError);
  });
});

describe('identifiers', () => {
  it('have the random bits of RFC 4975 §7.1 and §14.1, in characters of an ident', () => {
    expect(newTransactionId()).toMatch(/^[0-9a-f]{16}$/);
    expect(newSessionId()).toMatch(/^[0-9a-f]{32}$/);
    expect(newMessageId()).toMatch(/^[0-9a-f]{32}$/);
    expect(newTransactionId()).not.toBe(newTransactionId());
  });

  it('are found in a body and across its pieces (RFC 4975 §7.1)', () => {
    expect(holdsTransactionId('abcd', octets('xx-------abcd$'))).toBe(true);
    expect(holdsTransactionId('abcd', octets('xxabc'))).toBe(false);
    for (let at = 0; at <= 4; at++) {
      const pieces = [octets(`xx${'abcd'.slice(0, at)}`), octets(`${'abcd'.slice(at)}yy`)] as const;
      expect(holdsTransactionId('abcd', pieces[1], pieces[0])).toBe(at < 4);
    }
    expect(holdsTransactionId('abcd', octets('d'), octets('abc'))).toBe(true);
    expect(holdsTransactionId('abcd', octets(''), octets('abcd'))).toBe(false);
    expect(holdsTransactionId('a', octets('b'), octets('a'))).toBe(false);
  });

  it('of a chunk are not in its body', () => {
    const id = transactionIdFor(octets('a'.repeat(100)), octets('b'));
    expect(id).toMatch(/^[0-9a-f]{16}$/);
  });
});

describe('Status (RFC 4975 §7.1.2)', () => {
  it.each([
    ['000 200 OK', { namespace: '000', code: 200, comment: 'OK' }],
    ['000 413', { namespace: '000', code: 413, comment: '' }],
    ['001 200  some text', { namespace: '001', code: 200, comment: 'some text' }],
  ])('parses %s', (text, status) => {
    expect(parseStatus(text)).toEqual(status);
  });

  it.each(['', '200', '000', '000 20', '000 2000', '0000 200', '000 200OK'])('rejects %j', (text) => {
    expect(parseStatus(text)).toBeUndefined();
  });

  it('writes the namespace that RFC 4975 defines', () => {
    expect(formatStatus(200, 'OK')).toBe('000 200 OK');
    expect(formatStatus(400)).toBe('000 400');
  });
});
