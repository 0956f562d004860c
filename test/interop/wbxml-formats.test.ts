import { expect, it } from 'vitest';
import type { DocumentCodec } from '../../core/content/document-codec.js';
import { element } from '../../core/content/markup.js';
import { cacheOperation } from '../../core/content/push-documents/cache-operation.js';
import { emailNotification } from '../../core/content/push-documents/email-notification.js';
import { serviceIndication } from '../../core/content/push-documents/service-indication.js';
import { serviceLoading } from '../../core/content/push-documents/service-loading.js';
import { decodeWbxml } from '../../core/content/wbxml/decoder.js';
import { encodeWbxml } from '../../core/content/wbxml/encoder.js';
import { WbxmlLanguage } from '../../core/content/wbxml/language.js';
import { parseXml } from '../../core/content/xml/parser.js';
import { writeXml } from '../../core/content/xml/writer.js';
import { fixture, fixtureNames, fromHex, pushBody, toHex } from '../content/fixture.js';
import { convert } from '../support/programs/libwbxml.js';
import { describePeer } from '../support/programs/peers.js';
import { scale } from '../support/scale.js';
import { dissect, pushPdu } from './wsp-capture.js';
import {
  indicationSamples,
  loadingSamples,
  mailSamples,
  operationSamples,
  sampleOf,
} from './wsp-documents.js';

/** Documents of all four languages. libwbxml starts a process for each. */
const COUNT = scale(250, 1000);
const generated = [
  ...indicationSamples(0.4 * COUNT),
  ...loadingSamples(0.2 * COUNT),
  ...operationSamples(0.2 * COUNT),
  ...mailSamples(0.2 * COUNT),
];

/** The documents of the reference, including those of Kannel and of the operator, in WBXML. */
const vectors = [...fixtureNames('valid', '3.4-'), ...fixtureNames('valid', '3.5-push-')].map((name) => {
  const octets = fixture('valid', name);
  const wbxml = name.includes('push') ? pushBody(octets) : octets;
  return { name, wbxml, sample: sampleFrom(name, wbxml) };
});

/** Tokens on two code pages, from OMA Client Provisioning. */
const provisioning = new WbxmlLanguage({
  title: 'PROV 1.0',
  publicId: 0x0b,
  documentType: {
    publicId: '-//WAPFORUM//DTD PROV 1.0//EN',
    systemId: 'http://www.wapforum.org/DTD/prov.dtd',
  },
  tags: [
    { 0x05: 'wap-provisioningdoc', 0x06: 'characteristic', 0x07: 'parm' },
    { 0x06: 'characteristic', 0x07: 'parm' },
  ],
  attributeStarts: [
    {
      0x05: ['name'],
      0x06: ['value'],
      0x07: ['name', 'NAME'],
      0x11: ['name', 'NAPID'],
      0x45: ['version'],
      0x46: ['version', '1.0'],
      0x50: ['type'],
      0x55: ['type', 'NAPDEF'],
    },
    {
      0x05: ['name'],
      0x06: ['value'],
      0x07: ['name', 'NAME'],
      0x36: ['name', 'APPID'],
      0x50: ['type'],
      0x55: ['type', 'APPLICATION'],
      0x33: ['name', 'AAUTHTYPE'],
    },
  ],
  attributeValues: [
    { 0x9c: 'HTTP-BASIC', 0x9d: 'HTTP-DIGEST' },
    { 0x91: 'HTTP-', 0x92: 'BASIC', 0x93: 'DIGEST' },
  ],
});

const settings = element(
  'wap-provisioningdoc',
  { version: '1.0' },
  element('characteristic', { type: 'NAPDEF' }, element('parm', { name: 'NAPID', value: 'é < "1"' })),
  element(
    'characteristic',
    { type: 'APPLICATION' },
    element('parm', { name: 'APPID', value: 'w4' }),
    element('parm', { name: 'AAUTHTYPE', value: 'HTTP-DIGEST' }),
    element('parm', { name: 'NAME' }),
  ),
  element('characteristic', { type: 'VENDOR' }, element('parm', { name: 'NAME', value: 'HTTP-BASIC' })),
);

describePeer('libwbxml', 'libwbxml', () => {
  it(`encodes our XML to the same octets as we do: ${COUNT} documents`, async () => {
    const theirs = await convert(
      'xml2wbxml',
      generated.map(({ xml }) => xml),
    );
    expect(theirs).toHaveLength(COUNT);
    for (const [index, { title, wbxml }] of generated.entries()) {
      expect(toHex(theirs[index] ?? new Uint8Array()), `${title} ${index}`).toBe(toHex(wbxml));
    }
  });

  it(`decodes our WBXML to the document that we wrote: ${COUNT} documents`, async () => {
    const theirs = await convert(
      'wbxml2xml',
      generated.map(({ wbxml }) => wbxml),
    );
    expect(theirs).toHaveLength(COUNT);
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

  it('reads what the general writer writes, and the other way round, with two code pages', async () => {
    const [theirs] = await convert('xml2wbxml', [writeXml(settings, provisioning)]);
    expect(decodeWbxml(theirs ?? new Uint8Array(), provisioning).root).toEqual(settings);
    const ours = encodeWbxml({ language: provisioning, root: settings });
    const [xml] = await convert('wbxml2xml', [ours]);
    expect(parseXml(xml ?? new Uint8Array(), provisioning.title)).toEqual(settings);
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

/** application/vnd.wap.sic, slc and coc. tshark does not support EMN. */
const SIC = 0x2e;
const SLC = 0x30;
const COC = 0x32;

describePeer('tshark', 'tshark reads our WBXML', () => {
  it.each([
    ['SI', SIC, indicationSamples(400)],
    ['SL', SLC, loadingSamples(300)],
    ['CO', COC, operationSamples(300)],
  ])('decodes every document of %s completely, without a malformed mark', (_title, type, samples) => {
    const packets = dissect(samples.map(({ wbxml }) => pushPdu(1, type, wbxml)));
    expect(packets).toHaveLength(samples.length);
    for (const packet of packets) {
      expect(packet.values('frame.protocols')).toEqual(['raw:ip:udp:wsp:wbxml']);
      expect(packet.malformed).toEqual([]);
    }
  });
});
