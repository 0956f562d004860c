/** OMA DM's package #0 (application/vnd.syncml.notification): what it says, and the digest that vouches for it. */

export { type DmSecret, dmDigest, sameDigest } from '../../core/content/device-management/digest.js';
export {
  type DmNotification,
  type DmTrigger,
  type DmUiMode,
  decodeDmNotification,
  encodeDmNotification,
  encodeDmTrigger,
} from '../../core/content/device-management/notification.js';
