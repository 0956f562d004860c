/** A real push for each bundled application. */

import { memoryContent } from '../../../core/content/memory-content.js';
import { encodeNotification } from '../../../core/content/mms/notification.js';
import type { PushRequest } from '../../../core/sender/push-request.js';

/** @param count tells one push from the next: an MMS client drops a transaction id that it has seen. */
export function examplePushes(to: string, count: number): PushRequest[] {
  const notification = encodeNotification({
    transactionId: `demo-${process.pid}-${count}`,
    version: '1.2',
    from: '+15550100/TYPE=PLMN',
    subject: `Greetings from the beach, number ${count}`,
    messageClass: 'personal',
    messageSize: 29_696,
    expiry: { seconds: 86_400 },
    contentLocation: `http://mmsc.example/demo-${count}`,
  });
  return [
    {
      to,
      app: 'mms.ua',
      mode: 'pager',
      content: memoryContent({ type: 'application/vnd.wap.mms-message', parameters: {} }, notification),
    },
  ];
}
