/**
 * Files in session mode through Kamailio, between processes of `sip-push`: SIP through the core, MSRP end to end.
 * tshark, an independent implementation, decodes the traffic.
 */

import { expect, it } from 'vitest';
import { FilePushes, MEBIBYTE, printedEvents } from '../support/agents/file-pushes.js';
import { type DissectedFrame, dissectMsrp } from '../support/captures/msrp-capture.js';
import { Capture } from '../support/captures/tshark.js';
import { startKamailio } from '../support/programs/kamailio.js';
import { describePeer } from '../support/programs/peers.js';
import { freePort } from '../support/programs/ports.js';
import { scale } from '../support/scale.js';

const SIZES = { 'none.bin': 0, 'one.bin': 1, 'some.bin': 100 * 1024, 'many.bin': scale(1, 5) * MEBIBYTE };
const NAMES = Object.keys(SIZES);
const SEMICOLON = 0x3b;

/** Every octet except the one that tshark misinterprets at the start of a chunk (msrp-capture.ts). */
function content(size: number): Uint8Array {
  const octets = Uint8Array.from({ length: 255 }, (_, index) => (index < SEMICOLON ? index : index + 1));
  return new Uint8Array(size).map((_, at) => octets[(at * 7 + (at >> 9)) % octets.length] ?? 0);
}

function expectFrames(frames: readonly DissectedFrame[]): void {
  const wrong = frames.filter(
    ({ protocols, malformed, method, status, transactionIds: [first, last], flag }) =>
      malformed ||
      !protocols.startsWith('exported_pdu:msrp') ||
      (method === '') === (status === '') ||
      first !== last ||
      flag === '',
  );
  expect(wrong).toEqual([]);
}

describePeer(['kamailio', 'tshark'], 'files in session mode through Kamailio', () => {
  it.for(['udp', 'tcp'] as const)(
    '8.2.1-08, 8.2.2-04, 8.2.3-01: several files in one session, SIP over %s: unchanged, and valid MSRP to tshark',
    async (transport) => {
      await using core = await startKamailio();
      const mediaPort = await freePort();
      await using pushes = await FilePushes.prepare({
        ...{ host: core.server(transport), sender: core.trustedServer(transport), mediaPort },
      });
      const digests: string[] = [];
      for (const [name, size] of Object.entries(SIZES)) digests.push(await pushes.write(name, content(size)));
      const host = await pushes.startHost();
      await using capture = await Capture.start({ sip: [core.port, core.trustedPort], msrp: [mediaPort] });

      const { code, receipts } = await pushes.send(NAMES, '--report');
      expect(code).toBe(0);
      expect(receipts).toMatchObject(
        Object.entries(SIZES).map(([fileName, bytes]) => ({
          ...{ outcome: 'delivered', mode: 'session', reported: true, fileName, bytes },
        })),
      );
      const accepted = await printedEvents(host, NAMES.length, 'push');
      accepted.sort((one, other) => Number(one.size) - Number(other.size));
      expect(accepted).toMatchObject(
        Object.entries(SIZES).map(([fileName, size], index) => ({
          ...{ mode: 'session', fileName, size, sha256: digests[index], outcome: 'accepted', status: 200 },
        })),
      );
      const received = await printedEvents(host, NAMES.length, 'app', 'file');
      expect(received.map(({ sha256 }) => sha256).sort()).toEqual([...digests].sort());

      await capture.stop();
      expect(await capture.malformed()).toEqual([]);
      const frames = await dissectMsrp(capture.file, mediaPort);
      expectFrames(frames);
      const carrying = frames.filter(({ method, contentType }) => method === 'SEND' && contentType !== '');
      expect(new Set(carrying.map(({ messageId }) => messageId)).size).toBe(NAMES.length);
      const carried = carrying.reduce((sum, { bytes }) => sum + bytes, 0);
      expect(carried).toBe(Object.values(SIZES).reduce((sum, size) => sum + size, 0));
      // RFC 4975 §5.4: each session is bound by a SEND of the active end.
      const binding = frames.filter(({ method, contentType }) => method === 'SEND' && contentType === '');
      expect(binding).toHaveLength(NAMES.length);
      expect(frames.filter(({ method }) => method === 'REPORT')).toHaveLength(NAMES.length);
      expect(frames.filter(({ status }) => status === '200')).toHaveLength(carrying.length + binding.length);
      // 8.2.2-10: the files share one dialog, which ends with BYE.
      const callIds = async (method: string) => {
        const rows = await capture.fields(`sip.Method == "${method}"`, ['sip.Call-ID']);
        return [...new Set(rows.map(([, callId]) => callId))];
      };
      const invited = await callIds('INVITE');
      expect(invited).toHaveLength(1);
      expect(await callIds('BYE')).toEqual(invited);
    },
  );
});
