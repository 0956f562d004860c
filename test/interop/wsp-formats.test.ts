import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type HeaderList, headerOf } from '../../core/content/http-headers.js';
import { decodePushPdu, encodePushPdu, type PushPdu } from '../../core/content/wsp/push-pdu.js';
import { fixture, fixtureNames } from '../content/fixture.js';
import { describePeer } from '../support/programs/peers.js';
import { type Dissected, dissect } from './wsp-capture.js';
import { expectedFields, isoDate, seenFields } from './wsp-mms-fields.js';

const PDUS = 1000;

// Printable ASCII, which tshark prints unchanged.
const text = fc.stringMatching(/^[A-Za-z0-9+][ -~]{0,40}$/);
const date = fc.nat(0x7fff_ffff).map((seconds) => new Date(seconds * 1000).toUTCString());
const number = fc.nat(0x7fff_ffff).map(String);

/** Each header at most once, in arbitrary order. */
const headers: fc.Arbitrary<HeaderList> = fc
  .record(
    {
      // Codes of one octet: tshark 4.0 looks up longer ones by their length.
      'X-Wap-Application-Id': fc.constantFrom(
        'x-wap-application:mms.ua',
        'x-wap-application:wml.ua',
        'x-wap-application:syncml.dm',
        'http://a.example/app',
      ),
      'X-Wap-Content-URI': text,
      'X-Wap-Initiator-URI': text,
      'Push-Flag': fc.nat(7).map(String),
      'Content-Location': text,
      'Content-Length': number,
      Date: date,
      Expires: date,
      'Content-Encoding': fc.constantFrom('gzip', 'compress', 'deflate'),
      'Content-ID': text,
      'Encoding-Version': fc.constantFrom('1.3', '1.4', '1.5'),
      'X-Oma-Own': text,
    },
    { requiredKeys: [] },
  )
  .chain((headers) =>
    fc.shuffledSubarray(Object.entries(headers), { minLength: Object.keys(headers).length }),
  );

const pushes: fc.Arbitrary<PushPdu> = fc.record({
  transactionId: fc.nat(255),
  type: fc.record({
    type: fc.constantFrom('application/x-demo', 'application/java-vm'),
    parameters: fc.record({ charset: fc.constant('utf-8'), name: text }, { requiredKeys: [] }),
  }),
  headers,
  body: fc.uint8Array({ minLength: 1, maxLength: 60 }),
});

describePeer('tshark', 'tshark reads our Push PDUs', () => {
  it('decodes the headers that we wrote: 1,000 PDUs', () => {
    const generated = fc.sample(pushes, { numRuns: PDUS, seed: 1 });
    const packets = dissect(generated.map((push) => encodePushPdu(push)));
    expect(packets).toHaveLength(PDUS);
    for (const [index, packet] of packets.entries()) {
      expect(packet.malformed).toEqual([]);
      const push = generated[index];
      expect(push && seen(packet)).toEqual(push && asTshark(push));
    }
  });

  it('decodes every vector to the same values as we do', () => {
    const names = ['3.5-push', '4.2-push'].flatMap((prefix) => fixtureNames('valid', prefix));
    const pdus = names.map((name) => fixture('valid', name));
    for (const [index, packet] of dissect(pdus).entries()) {
      expect(packet.malformed, names[index]).toEqual([]);
      expect(seen(packet), names[index]).toEqual(asTshark(decodePushPdu(pdus[index] ?? new Uint8Array())));
    }
  });

  it('marks broken PDUs', () => {
    const pdu = fixture('valid', '4.2-push-notification');
    expect(dissect([pdu.subarray(0, 5)])[0]?.malformed).toContain('_ws.malformed');
  });
});

/** Names of headers by the fields of tshark. */
const fields = new Map([
  ['wsp.header.x_wap_application_id', 'X-Wap-Application-Id'],
  ['wsp.header.content_uri', 'X-Wap-Content-URI'],
  ['wsp.header.initiator_uri', 'X-Wap-Initiator-URI'],
  ['wsp.header.content_location', 'Content-Location'],
  ['wsp.header.content_length', 'Content-Length'],
  ['wsp.header.date', 'Date'],
  ['wsp.header.expires', 'Expires'],
  ['wsp.header.content_encoding', 'Content-Encoding'],
  ['wsp.header.content_id', 'Content-ID'],
  ['wsp.header.encoding_version', 'Encoding-Version'],
]);
const flags = ['authenticated', 'trusted', 'last'].map((flag) => `wsp.header.push_flag.${flag}`);

function seen(packet: Dissected): Record<string, string> {
  const [type = ''] = packet.values('wsp.header.content_type');
  return {
    ...seenFields(packet, [...fields.keys(), ...flags]),
    type: type.split(';')[0] ?? '',
    transactionId: String(Number(packet.values('wsp.TID')[0])),
  };
}

function asTshark({ transactionId, type, headers }: PushPdu): Record<string, string> {
  const flag = headerOf(headers, 'Push-Flag');
  return expectedFields({
    ...Object.fromEntries(
      [...fields].map(([field, name]) => [field, printed(name, headerOf(headers, name))]),
    ),
    ...Object.fromEntries(flags.map((name, bit) => [name, flag && String((Number(flag) >> bit) & 1)])),
    type: type.type,
    transactionId: String(transactionId),
  });
}

function printed(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (name === 'Date' || name === 'Expires') return isoDate(value);
  return name === 'Content-ID' ? `"${value}"` : value;
}
