/** The receipt of a push that has exactly one. */

import type { Receipt } from '../../../core/sender/push-request.js';
import { onlyOne } from '../sip/invites.js';

export async function receiptOf(sent: Promise<readonly Receipt[]>): Promise<Receipt> {
  return onlyOne(await sent);
}
