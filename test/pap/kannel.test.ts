import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryContent } from '../../core/content/content.js';
import { serviceIndication } from '../../core/content/push-documents/service-indication.js';
import { decodePushPdu } from '../../core/content/wsp/push-pdu.js';
import { PapClient } from '../../core/pap/client.js';
import { formatClientAddress } from '../../core/pap/client-address.js';
import { Folder } from '../cli/sip-push.js';
import { KANNEL_USER, Kannel } from '../support/programs/kannel.js';
import { describePeer } from '../support/programs/peers.js';

/** WSP connectionless push (WAP-259). The address is not used by another test. */
const TERMINAL = { address: '127.77.1.1', port: 2948 };
const RECIPIENT = formatClientAddress({ type: 'IPV4', identifier: TERMINAL.address, gateway: 'ppg.test' });
const INDICATION = { href: 'http://example.com/', id: '1', action: 'signal-high', text: 'New mail' } as const;

describePeer('kannel', 'a Push Initiator at Kannel', () => {
  let kannel: Kannel;
  let terminal: Socket;

  beforeAll(async () => {
    terminal = createSocket('udp4');
    terminal.bind(TERMINAL);
    await once(terminal, 'listening');
    kannel = await Kannel.start();
  });

  afterAll(async () => {
    terminal.close();
    await kannel.stop();
  });

  const client = () => new PapClient({ url: kannel.url, credentials: { ...KANNEL_USER, basic: true } });

  function submit(pushId: string, more: object = {}, type = 'text/vnd.wap.si') {
    const xml = serviceIndication.toXml(INDICATION);
    return client().submit(
      {
        pushId,
        addresses: [RECIPIENT],
        qualityOfService: { priority: 'high', deliveryMethod: 'unconfirmed' },
        ...more,
      },
      {
        headers: [['X-Wap-Application-Id', 'x-wap-application:wml.ua']],
        content: memoryContent({ type, parameters: {} }, xml),
      },
    );
  }

  it('P23-PAP-01, P23-PPG-10: submits a Service Indication, which its recipient receives', async () => {
    const received = once(terminal, 'message');
    expect(await submit('1@initiator.test')).toMatchObject({ pushId: '1@initiator.test', code: 1001 });
    const [datagram] = await received;
    const push = decodePushPdu(datagram);
    expect(push.type.type).toBe('application/vnd.wap.sic');
    expect(serviceIndication.fromWbxml(push.body)).toMatchObject(INDICATION);
  });

  it('reads the refusals', async () => {
    const past = new Date('2020-01-01T00:00:00Z');
    expect(await submit('2@initiator.test', { deliverBefore: past })).toMatchObject({ code: 2001 });
    // Kannel has no other operation.
    await expect(client().cancel({ pushId: '1@initiator.test' })).rejects.toMatchObject({ code: 2000 });
  });

  describe('sip-push pap', () => {
    it('submits a push from the command line', async () => {
      const folder = await Folder.make();
      try {
        await folder.write('mail.si', serviceIndication.toXml(INDICATION));
        const received = once(terminal, 'message');
        const { code, stdout } = await folder.run(
          ...['pap', 'submit', '--ppg', kannel.url, '--to', RECIPIENT, '--app', 'wml.ua'],
          ...['--type', 'text/vnd.wap.si', '--id', '3@initiator.test', '--delivery', 'unconfirmed'],
          ...['--username', KANNEL_USER.username, '--password', KANNEL_USER.password, '--basic', 'mail.si'],
        );
        expect({ code, stdout }).toEqual({
          code: 0,
          stdout:
            '3@initiator.test: 1001 Accepted for processing: The request has been accepted for processing',
        });
        await received;
      } finally {
        await folder.remove();
      }
    });
  });
});
