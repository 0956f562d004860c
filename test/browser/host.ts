/** The imports of a page with all bundled applications. */

export { createPushReceiver } from 'sip-push';
export { default as dcd } from 'sip-push/apps/dcd.ua';
export { default as mms } from 'sip-push/apps/mms.ua';
export { default as dm } from 'sip-push/apps/syncml.dm';
export { default as wml } from 'sip-push/apps/wml.ua';
export { decodeNotification } from 'sip-push/formats';
export { definePushApp } from 'sip-push/sdk';
