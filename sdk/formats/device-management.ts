/** OMA DM's package #0 (application/vnd.syncml.notification) and its digest. */

export {
  type DmNotification,
  type DmSecret,
  type DmTrigger,
  type DmUiMode,
  decodeDmNotification,
  dmDigest,
  encodeDmNotification,
  encodeDmTrigger,
  sameDigest,
} from '../../core/content/device-management.js';
