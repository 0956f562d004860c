/** What came of a push, where it can only be one thing. */

import type { Receipt } from '../../core/sender/push-request.js';
import { onlyOne } from './invites.js';

export async function receiptOf(sent: Promise<readonly Receipt[]>): Promise<Receipt> {
  return onlyOne(await sent);
}
