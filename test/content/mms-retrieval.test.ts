import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MediaType } from '../../core/content/content.js';
import {
  decodeRetrieval,
  encodeRetrieval,
  type MmsRetrieval,
  readRetrieval,
} from '../../core/content/mms/retrieval.js';
import { decodeMultipart, encodeMultipart } from '../../core/content/multipart/multipart.js';
import { ConfigurationError, MalformedError } from '../../core/errors.js';
import { fixture, fixtureNames, toHex } from './fixture.js';
import { octetsOf, streamOf } from './streams.js';
import { wspTexts } from './wsp/wsp-texts.js';

const utf8 = (text: string) => new TextEncoder().encode(text);
const date = new Date('2024-01-24T09:48:48Z');
const related = {
  type: 'application/vnd.wap.multipart.related',
  parameters: { start: '<smil>', type: 'application/smil' },
};

const vectors: [name: string, MmsRetrieval][] = [
  [
    '4.1-retrieve',
    {
      transactionId: 'T1',
      version: '1.2',
      messageId: 'm-1@mmsc.example',
      date,
      from: '+15550101/TYPE=PLMN',
      to: ['+15550100/TYPE=PLMN', '+15550102/TYPE=PLMN'],
      cc: ['joe@mail.example'],
      subject: 'Hello',
      messageClass: 'personal',
      priority: 'high',
      deliveryReport: false,
      readReport: true,
      retrieveStatus: 'ok',
      content: { type: related, body: fixture('valid', '8.1-multipart') },
    },
  ],
  [
    '4.1-retrieve-one-content',
    {
      version: '1.0',
      date,
      content: { type: { type: 'text/plain', parameters: {} }, body: utf8('just text') },
    },
  ],
  [
    '4.1-retrieve-failed',
    {
      transactionId: 'T1',
      version: '1.2',
      date,
      retrieveStatus: 'permanent-message-not-found',
      retrieveText: 'gone',
    },
  ],
];

/** The result of `decodeRetrieval`, from a message that was read part by part. */
async function readWhole(pdu: Uint8Array, size = pdu.length): Promise<MmsRetrieval> {
  const { content, ...header } = await readRetrieval(streamOf(pdu, size));
  if (!content) return header;
  const parts = [];
  for await (const { body, size: _size, ...head } of content.parts) {
    parts.push({ ...head, body: await octetsOf(body) });
  }
  const isMultipart = content.type.type.includes('multipart');
  const body = isMultipart ? encodeMultipart(content.type, parts) : parts[0]?.body;
  return { ...header, content: { type: content.type, body: body ?? utf8('') } };
}

describe('M-Retrieve.conf', () => {
  it.each(vectors)(
    '%s is decoded as a whole and as a stream, and encoded to the same octets',
    async (name, message) => {
      const pdu = fixture('valid', name);
      expect(decodeRetrieval(pdu)).toEqual(message);
      expect(await readWhole(pdu)).toEqual(message);
      expect(await readWhole(pdu, 1)).toEqual(message);
      expect(toHex(encodeRetrieval(message))).toBe(toHex(pdu));
    },
  );

  it('returns the parts of its content', () => {
    const { content } = decodeRetrieval(fixture('valid', '4.1-retrieve'));
    const parts = content ? decodeMultipart(content.type, content.body) : [];
    expect(parts.map(({ type }) => type.type)).toEqual(['application/smil', 'image/jpeg', 'text/plain']);
  });

  it.each([
    [0xc0, 'transient-failure'],
    [0xc2, 'transient-network-problem'],
    // Later versions have more statuses; the range determines whether they are transient.
    [0xc7, 'transient-failure'],
    [0xe3, 'permanent-content-unsupported'],
    [0xff, 'permanent-failure'],
  ])('a status of %i is %s', (octet, retrieveStatus) => {
    const pdu = Uint8Array.of(0x8c, 0x84, 0x8d, 0x92, 0x85, 1, 1, 0x99, octet);
    expect(decodeRetrieval(pdu)).toMatchObject({ retrieveStatus });
  });

  it('keeps an unassigned status raw, and requires content', () => {
    const pdu = Uint8Array.of(0x8c, 0x84, 0x8d, 0x92, 0x85, 1, 1, 0x99, 0x85);
    expect(() => decodeRetrieval(pdu)).toThrow(MalformedError);
    expect(decodeRetrieval(Uint8Array.of(...pdu, 0x84, 0x83))).toMatchObject({
      others: [{ field: 0x19, value: Uint8Array.of(0x85) }],
    });
  });

  it('accepts a thousand recipients, and limits their number', () => {
    const to = (count: number): MmsRetrieval => ({
      version: '1.2',
      date,
      to: Array.from({ length: count }, (_, index) => `+1555${index}`),
      content: { type: { type: 'text/plain', parameters: {} }, body: utf8('') },
    });
    expect(decodeRetrieval(encodeRetrieval(to(1000)))).toEqual(to(1000));
    expect(() => decodeRetrieval(encodeRetrieval(to(3000)))).toThrow('at most 2048 fields');
  });

  it.each(fixtureNames('broken', '4.1-retrieve'))('%s is malformed', async (name) => {
    const pdu = fixture('broken', name);
    expect(() => decodeRetrieval(pdu)).toThrow(MalformedError);
    await expect(readRetrieval(streamOf(pdu))).rejects.toThrow(MalformedError);
  });

  it('is malformed when truncated at any octet', async () => {
    const pdu = fixture('valid', '4.1-retrieve');
    for (let length = 0; length < pdu.length; length += 1) {
      await expect(readWhole(pdu.subarray(0, length)), `truncated to ${length}`).rejects.toThrow(
        MalformedError,
      );
    }
  });

  it('cancels the stream if the header is malformed or endless, or there is no content', async () => {
    const failed = fixture('valid', '4.1-retrieve-failed');
    const endless = Uint8Array.of(...failed.subarray(0, 10), ...Array.from({ length: 70_000 }, () => 0x41));
    for (const [pdu, problem] of [
      [new Uint8Array(100_000), 'X-Mms-Message-Type at offset 0'],
      [endless, 'first 65536 octets'],
    ] as const) {
      let cancelled = false;
      const stream = streamOf(pdu, 8192, () => {
        cancelled = true;
      });
      await expect(readRetrieval(stream)).rejects.toThrow(problem);
      expect(cancelled).toBe(true);
    }
  });

  it('cancels the stream if the parts are not read', async () => {
    const text: MmsRetrieval = {
      version: '1.2',
      date,
      content: { type: { type: 'text/plain', parameters: {} }, body: new Uint8Array(200_000) },
    };
    let cancelled = false;
    const stream = streamOf(encodeRetrieval(text), 8192, () => {
      cancelled = true;
    });
    const { content } = await readRetrieval(stream);
    await content?.parts.return();
    expect(cancelled).toBe(true);
  });

  it('is not written without content or failure', () => {
    expect(() => encodeRetrieval({ version: '1.2', date })).toThrow(ConfigurationError);
    expect(() => encodeRetrieval({ version: '1.2', date, retrieveStatus: 'ok' })).toThrow(ConfigurationError);
  });

  it('reads back what it writes', async () => {
    const messages: fc.Arbitrary<MmsRetrieval> = fc.record(
      {
        transactionId: wspTexts,
        version: fc.constantFrom('1.0', '1.3'),
        messageId: wspTexts,
        date: fc.nat(0xffff_ffff).map((seconds) => new Date(seconds * 1000)),
        from: wspTexts,
        to: fc.array(wspTexts, { minLength: 1, maxLength: 4 }),
        cc: fc.array(wspTexts, { minLength: 1, maxLength: 4 }),
        subject: wspTexts,
        messageClass: fc.constantFrom('personal', 'premium'),
        priority: fc.constantFrom('low', 'high'),
        deliveryReport: fc.boolean(),
        readReport: fc.boolean(),
        retrieveStatus: fc.constantFrom('ok', 'transient-failure', 'permanent-service-denied'),
        retrieveText: wspTexts,
        replyCharging: fc.constantFrom('requested', 'accepted'),
        replyChargingDeadline: fc.record({ seconds: fc.nat() }),
        replyChargingSize: fc.nat(),
        replyChargingId: wspTexts,
        applicId: wspTexts,
        replyApplicId: wspTexts,
        auxApplicInfo: wspTexts,
        drmContent: fc.boolean(),
        replaceId: wspTexts,
        content: fc.record({
          type: fc.constantFrom<MediaType>(
            { type: 'text/plain', parameters: { charset: 'utf-8' } },
            { type: 'a/b', parameters: {} },
          ),
          body: fc.uint8Array({ maxLength: 100 }),
        }),
      },
      { requiredKeys: ['version', 'date', 'content'] },
    );
    await fc.assert(
      fc.asyncProperty(messages, fc.integer({ min: 1, max: 50 }), async (message, size) => {
        const pdu = encodeRetrieval(message);
        expect(decodeRetrieval(pdu)).toEqual(message);
        expect(await readWhole(pdu, size)).toEqual(message);
      }),
      { numRuns: 300 },
    );
  });
});
