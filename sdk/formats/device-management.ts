/** OMA DM's package #0 (application/vnd.syncml.notification): what it says, and the digest that vouches for it. */

export { type DmNotification, type DmSecret, type DmTrigger, type DmUiMode, decodeDmNotification, dmDigest, encodeDmNotification, encodeDmTrigger, sameDigest } from '../../core/content/device-management.js';
