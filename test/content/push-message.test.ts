import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HeaderList } from '../../core/content/http-headers.js';
import {
  formatPushHeaders,
  type PushHeaders,
  type PushMessage,
  pushHeadersOf,
  textEnvelope,
} from '../../core/content/push-message.js';
import { rawContentType } from '../../core/content/raw-content.js';
import { decodePushPdu, encodePushPdu } from '../../core/content/wsp/push-pdu.js';
import { ConfigurationError, MalformedError } from '../../core/errors.js';
import { fixture, fixtureNames, pushBody } from './fixture.js';

const utf8 = (text: string) => new TextEncoder().encode(text);
const si = { type: 'text/vnd.wap.si', parameters: {} };
const raw = { type: 'application/x-raw', parameters: {} };

describe('push headers', () => {
  const every: PushHeaders = {
    applicationId: 'x-wap-application:mms.ua',
    contentLocation: 'http://a.example/l',
    contentUri: 'http://a.example/c',
    initiatorUri: 'http://a.example/i',
    initiatorAuthenticated: true,
    contentTrusted: true,
    lastPush: true,
  };

  it('are decoded and encoded', () => {
    const headers: HeaderList = [
      ['X-Wap-Application-Id', 'x-wap-application:mms.ua'],
      ['Content-Location', 'http://a.example/l'],
      ['X-Wap-Content-URI', 'http://a.example/c'],
      ['X-Wap-Initiator-URI', 'http://a.example/i'],
      ['Push-Flag', '7'],
    ];
    expect(formatPushHeaders(every)).toEqual(headers);
    expect(pushHeadersOf([['X-Other', '1'], ...headers])).toEqual(every);
  });

  it('survive a Push PDU', () => {
    const push = { transactionId: 1, type: si, headers: formatPushHeaders(every), body: utf8('<si/>') };
    expect(pushHeadersOf(decodePushPdu(encodePushPdu(push)).headers)).toEqual(every);
  });

  it.each([
    [[], {}],
    [[['x-wap-application-id', '04']], { applicationId: 'x-wap-application:mms.ua' }],
    [[['X-Wap-Application-Id', '90ff']], { applicationId: '90FF' }],
    [[['Push-Flag', '4']], { lastPush: true }],
    [[['Push-Flag', '-1']], {}],
    [[['Push-Flag', '300']], {}],
  ] satisfies [HeaderList, PushHeaders][])('of %j are %j', (headers, expected) => {
    expect(pushHeadersOf(headers)).toEqual(expected);
  });

  it('refuse an empty application id', () => {
    expect(formatPushHeaders({})).toEqual([]);
    expect(() => formatPushHeaders({ applicationId: '' })).toThrow(ConfigurationError);
  });
});

describe('application/vnd.oma.push', () => {
  const text =
    'Content-Type: text/vnd.wap.si\r\nX-Wap-Application-Id: x-wap-application:wml.ua\r\n\r\n<si><indication/></si>';
  const message: PushMessage = {
    type: si,
    headers: [['X-Wap-Application-Id', 'x-wap-application:wml.ua']],
    body: utf8('<si><indication/></si>'),
  };

  it('is header lines, an empty line and the content', () => {
    expect(textEnvelope.open(utf8(text), raw)).toEqual(message);
    expect(new TextDecoder().decode(textEnvelope.close(message))).toBe(text);
  });

  it('accepts lines that end with LF or are folded, and names in another case', () => {
    expect(textEnvelope.open(utf8('content-type :\n text/vnd.wap.si\nX-A: 1\n\nbody'), raw)).toEqual({
      type: si,
      headers: [['X-A', '1']],
      body: utf8('body'),
    });
  });

  it('without a content type has the raw type', () => {
    expect(textEnvelope.open(utf8('X-A: 1\r\n\r\nbody'), raw)).toMatchObject({
      type: raw,
      body: utf8('body'),
    });
  });

  it.each([
    ['nothing', utf8('')],
    ['XML', utf8('<?xml version="1.0"?>\r\n<si xmlns:a="b"/>')],
    ['a colon in a line without a line end', utf8('Content-Type: text/vnd.wap.si')],
    ['a name and octets that are not text', Uint8Array.of(0x41, 0x3a, 0x00, 0x0d, 0x0a)],
    ['a line of 8 KiB', utf8(`X-A: ${'1'.repeat(8192)}\r\n\r\n`)],
  ])('is content without an envelope: %s', (_name, octets) => {
    expect(textEnvelope.open(octets, raw)).toEqual({ type: raw, headers: [], body: octets });
  });

  it.each(fixtureNames('valid', ''))('is content without an envelope: %s', (name) => {
    const octets = fixture('valid', name);
    expect(textEnvelope.open(octets, raw)).toEqual({ type: raw, headers: [], body: octets });
  });

  it.each([
    ['an invalid second line', 'X-A: 1\r\nhello\r\n\r\n'],
    ['no empty line', 'X-A: 1\r\nX-B: 2\r\n'],
    ['an invalid type', 'Content-Type: text\r\n\r\n'],
    ['headers that are too long', 'X-A: 1\r\n'.repeat(3000)],
  ])('is malformed with %s', (_name, broken) => {
    expect(() => textEnvelope.open(utf8(broken), raw)).toThrow(MalformedError);
  });

  it('truncated in its first line is content, then malformed up to its empty line', () => {
    const octets = utf8(text);
    const [line, end] = [text.indexOf('\n') + 1, text.indexOf('<')];
    for (let length = 0; length < line; length += 1) {
      expect(textEnvelope.open(octets.subarray(0, length), raw).type).toBe(raw);
    }
    for (let length = line; length < end; length += 1) {
      expect(() => textEnvelope.open(octets.subarray(0, length), raw), `truncated to ${length}`).toThrow(
        MalformedError,
      );
    }
  });

  it('is read back', () => {
    const headers = fc.array(
      fc.tuple(
        fc.stringMatching(/^X-[A-Za-z]{1,10}$/),
        fc.string({ unit: 'grapheme-composite' }).map((value) => value.replace(/[\p{Cc}]/gu, '').trim()),
      ),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(headers, fc.uint8Array({ maxLength: 100 }), (original, body) => {
        const written = textEnvelope.close({ type: si, headers: original, body });
        expect(textEnvelope.open(written, raw)).toEqual({ type: si, headers: original, body });
      }),
    );
  });

  it('refuses to write a header of two lines', () => {
    expect(() => textEnvelope.close({ ...message, headers: [['X-A', '1\r\nX-B: 2']] })).toThrow(
      ConfigurationError,
    );
  });
});

describe('raw content', () => {
  it.each([
    ['mms.ua', '4.1-notification-own-class', 'application/vnd.wap.mms-message'],
    ['wml.ua', '3.4-si', 'application/vnd.wap.sic'],
    ['wml.ua', '3.4-sl', 'application/vnd.wap.slc'],
    ['wml.ua', '3.4-co', 'application/vnd.wap.coc'],
    ['emn.ua', '3.4-emn', 'application/vnd.wap.emn+wbxml'],
    ['wml.ua', '3.4-emn', 'application/octet-stream'],
    ['syncml.dm', '5.3-notification', 'application/vnd.syncml.notification'],
    ['dcd.ua', '3.4-si', 'application/vnd.oma.dcd'],
    ['nobody.ua', '3.4-si', 'application/octet-stream'],
  ])('of %s, as %s, is %s', (eventAppId, name, type) => {
    expect(rawContentType(eventAppId, fixture('valid', name))).toEqual({ type, parameters: {} });
  });

  it.each([
    [
      '<?xml version="1.0"?>\n<!DOCTYPE si PUBLIC "-//WAPFORUM//DTD SI 1.0//EN" "x">\n<si>',
      'text/vnd.wap.si',
    ],
    ['<sl href="http://a.example/"/>', 'text/vnd.wap.sl'],
    ['<co>', 'text/vnd.wap.co'],
    ['<wml>', 'application/octet-stream'],
    ['', 'application/octet-stream'],
  ])('of wml.ua, as %s, is %s', (text, type) => {
    expect(rawContentType('wml.ua', utf8(text)).type).toBe(type);
  });

  it("equals the body of a gateway's Push PDU", () => {
    const pdu = fixture('valid', '3.5-push-si-operator');
    expect(rawContentType('wml.ua', pushBody(pdu)).type).toBe(decodePushPdu(pdu).type.type);
  });
});
