import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CONTACT_EVENTS,
  contactInstanceId,
  contactParameter,
  type Reginfo,
  type ReginfoContact,
  writeReginfo,
} from '../../../core/content/reginfo.js';
import { readReginfo } from '../../../core/content/reginfo-reader.js';
import { MalformedError } from '../../../core/errors.js';

const fixtures = new URL('../fixtures/', import.meta.url);
const names = (kind: string) =>
  readdirSync(new URL(`${kind}/`, fixtures)).filter((name) => name.startsWith('11.1-reginfo'));
const read = (kind: string, name: string) =>
  new Uint8Array(readFileSync(new URL(`${kind}/${name}`, fixtures)));

function onlyContact({ registrations }: Reginfo): ReginfoContact {
  const contact = registrations[0]?.contacts[0];
  if (!contact) throw new Error('expected a contact');
  return contact;
}

describe('reginfo', () => {
  it('B.1.2: the NOTIFY of the sample flow contains applications, instance and GRUUs', () => {
    const document = readReginfo(read('valid', '11.1-reginfo-sample-flow.xml'));
    expect(document).toMatchObject({ version: 1, state: 'full' });
    expect(document.registrations).toMatchObject([{ aor: 'sip:user@domain.com', id: 'a7', state: 'active' }]);
    const contact = onlyContact(document);
    expect(contact).toMatchObject({
      id: '92',
      state: 'active',
      event: 'registered',
      durationRegistered: 1,
      expires: 3599,
      uri: 'sip:user@domain.com',
      publicGruu: 'sip:@domain.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
      temporaryGruu: {
        uri: 'sip:tgruu.7hs==jd7vnzga5w7fajsc7-ajd6fabz0f8g5@domain.com;gr',
        firstCSeq: 1826,
      },
    });
    expect(contactParameter(contact, '+g.oma.pusheventapp')).toBe('wml.ua,mms.ua,wv.ua,loc.ua,syncml.dm');
    expect(contactInstanceId(contact)).toBe('urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6');
  });

  it('recognizes names by their namespace, not their prefix', () => {
    const document = readReginfo(read('valid', '11.1-reginfo-gruuinfo.xml'));
    expect(onlyContact(document)).toEqual({
      id: '76',
      state: 'active',
      event: 'registered',
      uri: 'sip:ua1@192.0.2.4:5060;transport=tcp',
      displayName: 'User & one',
      expires: 7322,
      durationRegistered: 0,
      q: 0.8,
      callId: 'ab@ua1.example.com',
      cseq: 16,
      parameters: new Map([
        ['+sip.instance', '"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"'],
        ['audio', ''],
      ]),
      publicGruu: 'sip:user@example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
      temporaryGruu: { uri: 'sip:tgruu.one@example.com;gr', firstCSeq: 15 },
    });
    expect(document.registrations[1]).toEqual({
      aor: 'tel:+15551234',
      id: 'as10',
      state: 'init',
      contacts: [],
    });
  });

  it('reads a document from Kamailio with a negative expiry', () => {
    const [registration] = readReginfo(read('valid', '11.1-reginfo-kamailio.xml')).registrations;
    expect(registration?.contacts).toMatchObject([
      {
        state: 'active',
        event: 'created',
        expires: 3600,
        q: 0.5,
        uri: 'sip:bob@127.0.0.1:5062;transport=udp',
      },
      { state: 'terminated', event: 'expired', expires: 0 },
    ]);
  });

  it.each(names('valid'))('%s is read back after it was written', (name) => {
    const document = readReginfo(read('valid', name));
    expect(readReginfo(writeReginfo(document))).toEqual(document);
  });

  it.each(names('broken'))('%s is refused', (name) => {
    expect(() => readReginfo(read('broken', name))).toThrow(MalformedError);
  });

  it.each(names('damaged'))('%s costs only itself', (name) => {
    const text = new TextDecoder().decode(read('damaged', name));
    const other =
      '<registration aor="sip:al@domain.test" id="9" state="active"><contact id="8" state="active" event="registered"><uri>sip:al@127.0.0.1</uri></contact></registration>';
    const { registrations } = readReginfo(
      new TextEncoder().encode(text.replace('</reginfo>', `${other}</reginfo>`)),
    );
    expect(registrations.at(-1)).toMatchObject({
      aor: 'sip:al@domain.test',
      contacts: [{ uri: 'sip:al@127.0.0.1' }],
    });
    expect(registrations.length).toBeLessThanOrEqual(2);
  });

  it('a contact with a malformed optional part is read without it', () => {
    const parts = 'expires="soon" q="1.5" cseq="-1" retry-after="x"';
    const bytes = new TextEncoder().encode(
      `<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full"><registration aor="sip:a@b" id="1" state="active"><contact id="2" state="active" event="registered" ${parts}><uri>sip:a@b</uri></contact></registration></reginfo>`,
    );
    expect(onlyContact(readReginfo(bytes))).toMatchObject({ id: '2', uri: 'sip:a@b', state: 'active' });
  });

  it('a document that is too large is refused', () => {
    const padding = ' '.repeat(70_000);
    const bytes = new TextEncoder().encode(
      `<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full">${padding}</reginfo>`,
    );
    expect(() => readReginfo(bytes)).toThrow(MalformedError);
  });

  it('reads any octets as a document, or throws MalformedError', () => {
    const sample = read('valid', '11.1-reginfo-gruuinfo.xml');
    const damage = fc.record({
      at: fc.nat(sample.length - 1),
      octet: fc.nat(255),
      end: fc.nat(sample.length),
    });
    fc.assert(
      fc.property(damage, fc.boolean(), ({ at, octet, end }, truncated) => {
        const bytes = sample.slice(0, truncated ? end : undefined);
        if (at < bytes.length) bytes[at] = octet;
        try {
          readReginfo(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }),
    );
  });

  it('reads back what it writes', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '<', '&', '"', "'", '>', ' ', 'é', '\u{1f600}', '\\'),
    });
    const number = fc.nat(4_294_967_295);
    const uri = text.map((user) => `sip:${user.replace(/\s/g, '')}x@domain.test`);
    const trimmed = text.map((value) => value.trim());
    const contact = fc.record(
      {
        id: text,
        uri,
        displayName: trimmed,
        state: fc.constantFrom('active' as const, 'terminated' as const),
        event: fc.constantFrom(...CONTACT_EVENTS),
        expires: number,
        retryAfter: number,
        durationRegistered: number,
        q: fc.constantFrom(0, 0.5, 0.125, 1),
        callId: text,
        cseq: number,
        parameters: fc
          .array(fc.tuple(fc.stringMatching(/^\+?[a-z.]{1,20}$/), trimmed))
          .map((entries) => new Map(entries)),
        publicGruu: uri,
        temporaryGruu: fc.record({ uri, firstCSeq: number }),
      },
      { requiredKeys: ['id', 'uri', 'state', 'event', 'parameters'], noNullPrototype: true },
    );
    const document = fc.record({
      version: number,
      state: fc.constantFrom('full' as const, 'partial' as const),
      registrations: fc.array(
        fc.record({
          aor: uri,
          id: text,
          state: fc.constantFrom('init' as const, 'active' as const, 'terminated' as const),
          contacts: fc.array(contact, { maxLength: 3 }),
        }),
        { maxLength: 3 },
      ),
    });
    fc.assert(
      fc.property(document, (value) => {
        expect(readReginfo(writeReginfo(value))).toEqual(value);
      }),
    );
  });
});
