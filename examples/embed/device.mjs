/** A device that accepts service indications and prints its events. */

import { createPushReceiver } from 'sip-push';
import wml from 'sip-push/apps/wml.ua';

const device = await createPushReceiver({
  identity: 'sip:bob@domain.test',
  servers: [process.argv[2] ?? 'sip:127.0.0.1:5060;transport=tcp'],
  credentials: { username: 'bob', password: 'bob-password' },
  trust: ['sip:psa@domain.test'],
  apps: [{ definition: wml }],
  onEvent: (event) => console.log(JSON.stringify(event)),
});

process.once('SIGINT', () => device.stop('SIGINT'));
process.once('SIGTERM', () => device.stop('SIGTERM'));
