import { expect, it } from 'vitest';
import { cacheOperation } from '../../core/content/push-documents/cache-operation.js';
import type { DocumentCodec } from '../../core/content/push-documents/document-codec.js';
import { emailNotification } from '../../core/content/push-documents/email-notification.js';
import { serviceIndication } from '../../core/content/push-documents/service-indication.js';
import { serviceLoading } from '../../core/content/push-documents/service-loading.js';
import { fixture, fixtureNames, fromHex, pushBody, toHex } from '../content/fixture.js';
import { describePeer } from '../support/peers.js';
import {
  indicationSamples,
  loadingSamples,
  mailSamples,
  operationSamples,
  sampleOf,
} from './wsp-documents.js';
import { convert } from './wsp-libwbxml.js';

/** 1,000 documents of all four languages. */
const generated = [
  ...indicationSamples(400),
  ...loadingSamples(200),
  ...operationSamples(200),
  ...mailSamples(200),
];

/** The documents of the reference, Kannel's and the operator's among them, as they are on the wire. */
const vectors = [...fixtureNames('valid', '3.4-'), ...fixtureNames('valid', '3.5-push-')].map((name) => {
  const octets = fixture('valid', name);
  const wbxml = name.includes('push') ? pushBody(octets) : octets;
  return { name, wbxml, sample: sampleFrom(name, wbxml) };
});

describePeer('libwbxml', 'libwbxml', () => {
  it('makes of our XML the WBXML that we make, octet by octet: 1,000 documents', async () => {
    const theirs = await convert(
      'xml2wbxml',
      generated.map(({ xml }) => xml),
    );
    expect(theirs).toHaveLength(1000);
    for (const [index, { title, wbxml }] of generated.entries()) {
      expect(toHex(theirs[index] ?? new Uint8Array()), `${title} ${index}`).toBe(toHex(wbxml));
    }
  });

  it('makes of our WBXML the document that we wrote: 1,000 documents', async () => {
    const theirs = await convert(
      'wbxml2xml',
      generated.map(({ wbxml }) => wbxml),
    );
    expect(theirs).toHaveLength(1000);
    for (const [index, { title, document, fromXml }] of generated.entries()) {
      expect(fromXml(theirs[index] ?? new Uint8Array()), `${title} ${index}`).toEqual(document);
    }
  });

  it('says of every vector what we say', async () => {
    const theirs = await convert(
      'wbxml2xml',
      vectors.map(({ wbxml }) => wbxml),
    );
    for (const [index, { name, sample }] of vectors.entries()) {
      expect(sample.fromXml(theirs[index] ?? new Uint8Array()), name).toEqual(sample.document);
    }
  });

  it('makes of the XML of every vector what we make', async () => {
    const theirs = await convert(
      'xml2wbxml',
      vectors.map(({ sample }) => sample.xml),
    );
    for (const [index, { name, sample }] of vectors.entries()) {
      expect(toHex(theirs[index] ?? new Uint8Array()), name).toBe(toHex(sample.wbxml));
    }
  });

  it('refuses what is none', async () => {
    expect(await convert('wbxml2xml', [fromHex('03056a0045c6')])).toEqual([undefined]);
  });
});

function sampleFrom(name: string, wbxml: Uint8Array) {
  const from = <T>(codec: DocumentCodec<T>) => sampleOf(name, codec, codec.fromWbxml(wbxml));
  if (name.includes('-si')) return from(serviceIndication);
  if (name.includes('-sl')) return from(serviceLoading);
  return name.includes('-co') ? from(cacheOperation) : from(emailNotification);
}
