import { expect, it } from 'vitest';
import { describePeer } from '../support/programs/peers.js';
import { dissect, pushPdu } from './wsp-capture.js';
import { indicationSamples, loadingSamples, operationSamples } from './wsp-documents.js';

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
