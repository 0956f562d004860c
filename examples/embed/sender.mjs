/** A sender that pushes one service indication to the terminals of Bob that have wml.ua. */

import { createPushSender, memoryContent } from 'sip-push';
import { serviceIndication } from 'sip-push/formats';

const SERVICE_INDICATION = { type: 'application/vnd.wap.sic', parameters: {} };

const sender = await createPushSender({
  identity: 'sip:psa@domain.test',
  servers: [process.argv[2] ?? 'sip:127.0.0.1:5060;transport=tcp'],
  credentials: { username: 'psa', password: 'psa-password' },
});

const indication = { href: 'https://news.example/1', action: 'signal-high', text: 'It works' };
const receipts = await sender.send({
  to: 'sip:bob@domain.test',
  app: 'wml.ua',
  content: memoryContent(SERVICE_INDICATION, serviceIndication.toWbxml(indication)),
});
await sender.stop();

for (const { outcome, reason, mode, milliseconds } of receipts) {
  console.log(`${outcome} (${reason}) in ${mode} mode after ${milliseconds} ms`);
}
process.exitCode = receipts.every(({ outcome }) => outcome === 'delivered') ? 0 : 1;
