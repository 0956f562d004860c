import { expect, it } from 'vitest';
import type { DocumentCodec } from '../../core/content/document-codec.js';
import { cacheOperation } from '../../core/content/push-documents/cache-operation.js';
import { emailNotification } from '../../core/content/push-documents/email-notification.js';
import { serviceIndication } from '../../core/content/push-documents/service-indication.js';
import { serviceLoading } from '../../core/content/push-documents/service-loading.js';
import { fixture, fixtureNames, fromHex, pushBody, toHex } from '../content/fixture.js';
import { describePeer } from '../support/programs/peers.js';
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

/** The documents of the reference, including those of Kannel and of the operator, in WBXML. */
const vectors = [...fixtureNames('valid', '3.4-'), ...fixtureNames('valid', '3.5-push-')].map((name) => {
  const octets = fixture('valid', name);
  const wbxml = name.includes('push') ? pushBody(octets) : octets;
  return { name, wbxml, sample: sampleFrom(name, wbxml) };
});

describePeer('libwbxml', 'libwbxml', () => {
  it('encodes our XML to the same octets as we do: 1,000 documents', async () => {
    const theirs = await convert(
      'xml2wbxml',
      generated.map(({ xml }) => xml),
    );
    expect(theirs).toHaveLength(1000);
    for (const [index, { title, wbxml }] of generated.entries()) {
      expect(toHex(theirs[index] ?? new Uint8Array()), `${title} ${index}`).toBe(toHex(wbxml));
    }
  });

  it('decodes our WBXML to the document that we wrote: 1,000 documents', async () => {
    const theirs = await convert(
      'wbxml2xml',
      generated.map(({ wbxml }) => wbxml),
    );
    expect(theirs).toHaveLength(1000);
    for (const [index, { title, document, fromXml }] of generated.entries()) {
      expect(fromXml(theirs[index] ?? new Uint8Array()), `${title} ${index}`).toEqual(document);
    }
  });

  it('decodes every vector to the same document as we do', async () => {
    const theirs = await convert(
      'wbxml2xml',
      vectors.map(({ wbxml }) => wbxml),
    );
    for (const [index, { name, sample }] of vectors.entries()) {
      expect(sample.fromXml(theirs[index] ?? new Uint8Array()), name).toEqual(sample.document);
    }
  });

  it('encodes the XML of every vector to the same octets as we do', async () => {
    const theirs = await convert(
      'xml2wbxml',
      vectors.map(({ sample }) => sample.xml),
    );
    for (const [index, { name, sample }] of vectors.entries()) {
      expect(toHex(theirs[index] ?? new Uint8Array()), name).toBe(toHex(sample.wbxml));
    }
  });

  it('rejects invalid WBXML', async () => {
    expect(await convert('wbxml2xml', [fromHex('03056a0045c6')])).toEqual([undefined]);
  });
});

function sampleFrom(name: string, wbxml: Uint8Array) {
  const from = <T>(codec: DocumentCodec<T>) => sampleOf(name, codec, codec.fromWbxml(wbxml));
  if (name.includes('-si')) return from(serviceIndication);
  if (name.includes('-sl')) return from(serviceLoading);
  return name.includes('-co') ? from(cacheOperation) : from(emailNotification);
}
