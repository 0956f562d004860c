import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cacheOperation } from '../../core/content/push-documents/cache-operation.js';
import { serviceIndication } from '../../core/content/push-documents/service-indication.js';
import { serviceLoading } from '../../core/content/push-documents/service-loading.js';
import { describePeer } from '../support/peers.js';
import { dissect, pushPdu } from './wsp-capture.js';

/** application/vnd.wap.sic, slc and coc */
const SIC = 0x2e;
const SLC = 0x30;
const COC = 0x32;
const DOCUMENTS = 300;

const piece = fc.constantFrom('http://', 'https://www.', 'example', '.com/', '.org/', 'a b', 'é', '?x=1');
const texts = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''));
const dates = fc.nat(4_000_000_000).map((seconds) => new Date(seconds * 1000));

const indications = fc.record(
  {
    href: texts,
    id: texts,
    created: dates,
    expires: dates,
    action: fc.constantFrom('signal-none', 'signal-low', 'signal-medium', 'signal-high', 'delete'),
    text: texts,
    info: fc.array(fc.record({ class: texts, text: texts }), { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['action', 'text'] },
);
const loadings = fc.record({
  href: texts,
  action: fc.constantFrom('execute-low', 'execute-high', 'cache'),
});
const operations = fc.record({
  invalidations: fc.array(fc.record({ what: fc.constantFrom('object', 'service'), uri: texts }), {
    minLength: 1,
    maxLength: 4,
  }),
});

describePeer('tshark', 'tshark reads our WBXML', () => {
  it.each([
    ['SI', sample(indications).map((document) => pushPdu(1, SIC, serviceIndication.toWbxml(document)))],
    ['SL', sample(loadings).map((document) => pushPdu(1, SLC, serviceLoading.toWbxml(document)))],
    ['CO', sample(operations).map((document) => pushPdu(1, COC, cacheOperation.toWbxml(document)))],
  ])('%s, every document to its end, without a mark', (_title, pdus) => {
    const packets = dissect(pdus);
    expect(packets).toHaveLength(DOCUMENTS);
    for (const packet of packets) {
      expect(packet.values('frame.protocols')).toEqual(['raw:ip:udp:wsp:wbxml']);
      expect(packet.malformed).toEqual([]);
    }
  });
});

function sample<T>(arbitrary: fc.Arbitrary<T>): T[] {
  return fc.sample(arbitrary, { numRuns: DOCUMENTS, seed: 1 });
}
