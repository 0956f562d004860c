/** Pushes that were set aside, when a person has decided: given again, as if they had just come, or dropped. */

import type { Deliveries } from './deliveries.js';
import type { Inbox } from './inbox.js';
import type { Records } from './records.js';
import type { SetAside } from './set-aside.js';
import type { TransferRoom } from './transfer-room.js';

/**
 * Back into the inbox, with as many attempts as any other.
 * @returns false where there is no such push.
 * @throws InboxFull, StoreError: it is set aside still.
 */
export async function giveAgain(
  id: string,
  { aside, inbox, deliveries }: { aside: SetAside; inbox: Inbox; deliveries: Deliveries },
): Promise<boolean> {
  const delivery = await aside.release(id, async (released, written) => {
    const { attempts: _attempts, broken: _broken, ...record } = released.record;
    released.record = { ...record, attempts: 0 };
    await inbox.restore(released, written);
    // Its sender was told that it is taken: no application refuses it any longer.
    released.answered = true;
    released.setAside = false;
  });
  if (delivery) deliveries.resume(delivery);
  return delivery !== undefined;
}

/** @returns false where there is no such push. @throws StoreError: it is set aside still. */
export async function dropSetAside(
  id: string,
  { aside, records, room }: { aside: SetAside; records: Records; room: TransferRoom },
): Promise<boolean> {
  const delivery = await aside.release(id, () => records.write(aside.removal(id), 'synced'));
  if (delivery?.record.file !== undefined) await room.remove(delivery.record.file);
  return delivery !== undefined;
}
