import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DocumentCodec } from '../../../core/content/document-codec.js';
import { type CacheOperation, cacheOperation } from '../../../core/content/push-documents/cache-operation.js';
import {
  type EmailNotification,
  emailNotification,
} from '../../../core/content/push-documents/email-notification.js';
import {
  type ServiceIndication,
  SI,
  serviceIndication,
} from '../../../core/content/push-documents/service-indication.js';
import { type ServiceLoading, serviceLoading } from '../../../core/content/push-documents/service-loading.js';
import type { WbxmlVersion } from '../../../core/content/wbxml/document.js';
import { encodeWbxml } from '../../../core/content/wbxml/encoder.js';
import { parseXml } from '../../../core/content/xml/parser.js';
import { ConfigurationError, MalformedError } from '../../../core/errors.js';
import { fixture, fixtureNames, pushBody, toHex } from '../fixture.js';

const utf8 = (text: string) => new TextEncoder().encode(text);

const email: ServiceIndication = {
  href: 'http://www.xyz.com/email/123/abc.wml',
  created: new Date('1999-06-25T15:23:15Z'),
  expires: new Date('1999-06-30T00:00:00Z'),
  action: 'signal-medium',
  text: 'You have 4 new emails',
};

/** The value of each vector, and its version if the encoder produces the same octets. */
const indications: [name: string, ServiceIndication, WbxmlVersion | undefined][] = [
  [
    '3.4-si',
    {
      href: 'https://example.com/n',
      id: 'n1@example.com',
      created: new Date('2024-01-02T03:04:00Z'),
      expires: new Date('2024-12-31T00:00:00Z'),
      action: 'signal-high',
      text: 'New mail',
    },
    2,
  ],
  ['3.4-si-minimal', { action: 'signal-medium', text: '' }, 3],
  ['3.4-si-libwbxml', email, 3],
  // Attributes in another order.
  [
    '3.5-push-si-kannel',
    { ...email, expires: new Date('2099-06-30T00:00:00Z'), id: '1@xyz.com', action: 'signal-high' },
    undefined,
  ],
  // With a string table.
  [
    '3.5-push-si-operator',
    {
      href: 'http://wap.meincallya.de/',
      action: 'signal-high',
      text: 'Zum kostenlosen Portal "Mein Vodafone" - einfach auf den folgenden Link klicken oder die Seite direkt aufrufen. Ihr Vodafone Team',
    },
    undefined,
  ],
];

describe('SI', () => {
  cases(serviceIndication, indications);

  it('reads info with its items, and ignores unknown elements', () => {
    const xml = `<?xml version="1.0"?>
      <!DOCTYPE si PUBLIC "-//WAPFORUM//DTD SI 1.0//EN" "http://www.wapforum.org/DTD/si.dtd">
      <si xmlns:x="urn:x"><x:later/>
        <indication href="http://a.example/?b=1&amp;c=2" action="delete" x:y="1">A &lt;b&gt; &#233;<![CDATA[ & ]]></indication>
        <info><item class="from">Jo</item><item class="size">3</item></info>
      </si>`;
    expect(serviceIndication.fromXml(utf8(xml))).toEqual({
      href: 'http://a.example/?b=1&c=2',
      action: 'delete',
      text: 'A <b> é &',
      info: [
        { class: 'from', text: 'Jo' },
        { class: 'size', text: '3' },
      ],
    });
  });

  it.each([
    ['no indication', '<si/>'],
    ['two indications', '<si><indication/><indication/></si>'],
    ['another root', '<sl/>'],
    ['an expiry that is empty', '<si><indication si-expires=""/></si>'],
    ['an expiry with fractions', '<si><indication si-expires="2024-02-03T00:00:00.5Z"/></si>'],
  ])('refuses %s', (_name, xml) => {
    expect(() => serviceIndication.fromXml(utf8(xml))).toThrow(MalformedError);
  });

  it.each([
    ['action', '<si><indication action="shout">a</indication></si>', 'invalid action "shout"'],
    ['created', '<si><indication created="2024-02-30T00:00:00Z">a</indication></si>', 'invalid created'],
    ['created', '<si><indication created="">a</indication></si>', 'invalid created ""'],
    [
      'item',
      '<si><indication>a</indication><info><item>x</item></info></si>',
      'item: missing attribute class',
    ],
  ])('is read without a malformed %s, with a warning: %s', (_name, xml, warning) => {
    const { warnings, ...indication } = serviceIndication.fromXml(utf8(xml));
    expect(indication).toEqual({ action: 'signal-medium', text: 'a' });
    expect(warnings).toEqual([expect.stringContaining(`SI 1.0: `)]);
    expect(warnings?.[0]).toContain(warning);
    expect(
      serviceIndication.fromXml(serviceIndication.toXml({ ...indication, warnings } as ServiceIndication)),
    ).toEqual(indication);
  });

  it.each(['3.3-si-created-is-no-date', '3.3-si-created-of-eight-octets'])(
    '%s is read without the date',
    (name) => {
      const { created, warnings } = serviceIndication.fromWbxml(fixture('lenient', name));
      expect(created).toBeUndefined();
      expect(warnings?.join()).toContain('invalid created');
    },
  );

  it('has the same text in XML and in WBXML, whatever its white space is', () => {
    const text = '\r\n\t You have\n   4 new\temails \n';
    const xml = `<si><indication>${text}</indication><info><item class="a">\n${text}</item></info></si>`;
    const wbxml = encodeWbxml({ language: SI, root: parseXml(utf8(xml), 'SI') });
    const expected = {
      action: 'signal-medium',
      text: 'You have 4 new emails',
      info: [{ class: 'a', text: 'You have 4 new emails' }],
    };
    expect(serviceIndication.fromXml(utf8(xml))).toEqual(expected);
    expect(serviceIndication.fromWbxml(wbxml)).toEqual(expected);
  });

  it('refuses to write an invalid date', () => {
    expect(() => serviceIndication.toXml({ ...email, created: new Date(Number.NaN) })).toThrow(
      ConfigurationError,
    );
    expect(() => serviceIndication.toWbxml({ ...email, created: new Date(-1e15) })).toThrow(
      ConfigurationError,
    );
  });

  const date = fc.nat(253_402_300_799).map((seconds) => new Date(seconds * 1000));
  roundTrip<ServiceIndication>(
    serviceIndication,
    fc.record(
      {
        href: texts(),
        id: texts(),
        created: date,
        expires: date,
        action: fc.constantFrom('signal-none', 'signal-low', 'signal-medium', 'signal-high', 'delete'),
        text: phrases(),
        info: fc.array(fc.record({ class: texts(), text: phrases() }), { minLength: 1, maxLength: 4 }),
      },
      { requiredKeys: ['action', 'text'] },
    ),
  );
});

describe('SL', () => {
  cases<ServiceLoading>(serviceLoading, [
    ['3.4-sl', { href: 'http://www.example.com/x.wml', action: 'execute-high' }, 2],
    ['3.4-sl-libwbxml', { href: 'http://www.xyz.com/ppaid/123/abc.wml', action: 'execute-low' }, 3],
    // `http://` as a token, `www.` as text.
    [
      '3.5-push-sl-kannel',
      { href: 'http://www.xyz.com/ppaid/123/abc.wml', action: 'execute-high' },
      undefined,
    ],
  ]);

  it.each(['<sl/>', '<sl href="a" action="signal-high"/>'])('refuses %s', (xml) => {
    expect(() => serviceLoading.fromXml(utf8(xml))).toThrow(MalformedError);
  });

  roundTrip<ServiceLoading>(
    serviceLoading,
    fc.record({ href: texts(), action: fc.constantFrom('execute-low', 'execute-high', 'cache') }),
  );
});

describe('CO', () => {
  cases<CacheOperation>(cacheOperation, [
    [
      '3.4-co',
      {
        invalidations: [
          { what: 'object', uri: 'http://www.example.com/a.wml' },
          { what: 'service', uri: 'https://example.net/news/' },
        ],
      },
      3,
    ],
  ]);

  it.each(['<co/>', '<co><other/></co>', '<co><invalidate-object/></co>'])('refuses %s', (xml) => {
    expect(() => cacheOperation.fromXml(utf8(xml))).toThrow(MalformedError);
  });

  roundTrip<CacheOperation>(
    cacheOperation,
    fc.record({
      invalidations: fc.array(fc.record({ what: fc.constantFrom('object', 'service'), uri: texts() }), {
        minLength: 1,
        maxLength: 5,
      }),
    }),
  );
});

describe('EMN', () => {
  const timestamp = new Date('2002-04-16T06:40:00Z');
  cases<EmailNotification>(emailNotification, [
    ['3.4-emn', { mailbox: 'imap://mail.example.com', timestamp }, 2],
    // With empty content.
    ['3.4-emn-libwbxml', { mailbox: 'mailat:user@wapforum.org', timestamp }, undefined],
  ]);

  it('refuses a missing mailbox', () => {
    expect(() => emailNotification.fromXml(utf8('<emn/>'))).toThrow(MalformedError);
  });

  roundTrip<EmailNotification>(
    emailNotification,
    fc.record({ mailbox: texts(), timestamp: fc.constant(timestamp) }, { requiredKeys: ['mailbox'] }),
  );
});

/** Texts that contain pieces with tokens. */
function texts(): fc.Arbitrary<string> {
  const piece = fc.constantFrom(
    'http://',
    'https://www.',
    'mailat:',
    'www.',
    '.com',
    '.org/',
    '/',
    '&',
    '<',
    ']]>',
    '"',
  );
  const any = fc
    .string({ unit: 'grapheme-composite', maxLength: 8 })
    .map((text) => text.replace(/[\p{Cc}\ufffe\uffff]/gu, ''));
  return fc.array(fc.oneof(piece, any), { maxLength: 6 }).map((pieces) => pieces.join(''));
}

function cases<T>(codec: DocumentCodec<T>, list: [name: string, T, WbxmlVersion | undefined][]): void {
  it.each(list)('decodes and encodes %s', (name, document, version) => {
    const whole = fixture('valid', name);
    const wbxml = name.includes('push') ? pushBody(whole) : whole;
    expect(codec.fromWbxml(wbxml)).toEqual(document);
    if (version !== undefined) expect(toHex(codec.toWbxml(document, version))).toBe(toHex(wbxml));
    expect(codec.fromXml(codec.toXml(document))).toEqual(document);
  });

  it.each(list)('%s is malformed when truncated at any octet', (name) => {
    const whole = fixture('valid', name);
    const wbxml = name.includes('push') ? pushBody(whole) : whole;
    for (let length = 0; length < wbxml.length; length += 1) {
      expect(() => codec.fromWbxml(wbxml.subarray(0, length)), `truncated to ${length}`).toThrow(
        MalformedError,
      );
    }
  });
}

/** Texts whose white space is that of a text for the user. */
function phrases(): fc.Arbitrary<string> {
  return texts().map((text) => text.replace(/[ \t\r\n]+/g, ' ').replace(/^ | $/g, ''));
}

function roundTrip<T extends object>(codec: DocumentCodec<T>, documents: fc.Arbitrary<T>): void {
  it('reads back what it writes, in both forms', () => {
    fc.assert(
      fc.property(documents, (document) => {
        expect(codec.fromWbxml(codec.toWbxml(document))).toEqual(document);
        expect(codec.fromXml(codec.toXml(document))).toEqual(document);
      }),
      { numRuns: 300 },
    );
  });
}

describe('malformed documents', () => {
  it.each(fixtureNames('broken', '3.3'))('%s is malformed', (name) => {
    expect(() => serviceIndication.fromWbxml(fixture('broken', name))).toThrow(MalformedError);
  });
});
