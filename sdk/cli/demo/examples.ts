/** Example pushes for each bundled application: in a MESSAGE, compressed, by reference, and in sessions. */

import { memoryContent } from '../../../core/content/content.js';
import { dmDigest, encodeDmNotification, encodeDmTrigger } from '../../../core/content/device-management.js';
import { encodeNotification } from '../../../core/content/mms/notification.js';
import { cacheOperation } from '../../../core/content/push-documents/cache-operation.js';
import { serviceIndication } from '../../../core/content/push-documents/service-indication.js';
import { serviceLoading } from '../../../core/content/push-documents/service-loading.js';
import type { ContentPush } from '../../../core/sender/push-request.js';

const DM_SERVER = { id: 'dm.example', password: 'secret', nonce: 'AQIDBAUGBwg=' };
/** The decoded nonce of `DM_SERVER`. */
const DM_NONCE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** Options that the applications need to accept the examples, by event-app-id. */
export const EXAMPLE_OPTIONS: ReadonlyMap<string, unknown> = new Map([
  ['syncml.dm', { servers: [DM_SERVER] }],
]);

/** @param round makes the pushes unique: an MMS client ignores a known transaction id. */
export function examplePushes(to: string, round: number): ContentPush[] {
  // Each round has two pushes of a kind: in pager mode and in session mode.
  const count = 2 * round - 1;
  const push = (app: string, type: string, octets: Uint8Array): ContentPush => ({
    to,
    app,
    mode: 'pager',
    content: memoryContent({ type, parameters: {} }, octets),
  });
  const session = (...what: Parameters<typeof push>): ContentPush => ({ ...push(...what), mode: 'session' });
  return [
    push('mms.ua', 'application/vnd.wap.mms-message', multimediaMessage(count)),
    push('wml.ua', 'application/vnd.wap.sic', newMail(count)),
    push(
      'wml.ua',
      'application/vnd.wap.slc',
      serviceLoading.toWbxml({ href: 'http://weather.example/today.wml', action: 'cache' }),
    ),
    { ...push('wml.ua', 'text/vnd.wap.co', outdatedPages()), encoding: 'gzip' },
    push('syncml.dm', 'application/vnd.syncml.notification', managementAlert(count)),
    { ...push('dcd.ua', 'application/vnd.oma.dcd', headlines(count, 2_000)), mode: 'indirect' },
    session('mms.ua', 'application/vnd.wap.mms-message', multimediaMessage(count + 1)),
    session('wml.ua', 'application/vnd.wap.sic', newMail(count + 1)),
    session('syncml.dm', 'application/vnd.syncml.notification', managementAlert(count + 1)),
    session('dcd.ua', 'application/vnd.oma.dcd', headlines(count + 1, 30_000)),
  ];
}

function multimediaMessage(count: number): Uint8Array {
  return encodeNotification({
    transactionId: `demo-${process.pid}-${count}`,
    version: '1.2',
    from: '+15550100/TYPE=PLMN',
    subject: `Greetings from the beach, number ${count}`,
    messageClass: 'personal',
    messageSize: 29_696,
    expiry: { seconds: 86_400 },
    contentLocation: `http://mmsc.example/demo-${count}`,
  });
}

/** Each indication replaces the previous one, which was created a second earlier. */
function newMail(count: number): Uint8Array {
  const now = (Math.floor(Date.now() / 1000) + count) * 1000;
  return serviceIndication.toWbxml({
    id: 'mailbox@mail.example',
    href: 'https://mail.example/inbox',
    created: new Date(now),
    expires: new Date(now + 86_400_000),
    action: 'signal-high',
    text: `New mail: ${count}`,
  });
}

/** XML, which compresses well. */
function outdatedPages(): Uint8Array {
  return cacheOperation.toXml({
    invalidations: [
      { what: 'object', uri: 'http://weather.example/yesterday.wml' },
      { what: 'service', uri: 'http://news.example/' },
    ],
  });
}

/** Content that does not fit in a MESSAGE. */
function headlines(count: number, headlines: number): Uint8Array {
  const lines = Array.from({ length: headlines }, (_, line) => `Headline ${line + 1} of edition ${count}\n`);
  return new TextEncoder().encode(lines.join(''));
}

/** Each alert has a new session id, because an alert is accepted only once. */
function managementAlert(count: number): Uint8Array {
  const { id: serverId, password } = DM_SERVER;
  const trigger = encodeDmTrigger({
    version: '1.2',
    uiMode: 'informative',
    initiator: 'server',
    sessionId: count % 0x10000,
    serverId,
  });
  return encodeDmNotification(dmDigest({ serverId, password, nonce: DM_NONCE }, trigger), trigger);
}
