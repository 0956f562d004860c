/** Built-in samples for types without a sample in the package. */

import { dmDigest, encodeDmNotification, encodeDmTrigger } from '../../core/content/device-management.js';
import { element } from '../../core/content/markup.js';
import { matchesMediaRange } from '../../core/content/media-type.js';
import { encodeNotification } from '../../core/content/mms/notification.js';
import { cacheOperation } from '../../core/content/push-documents/cache-operation.js';
import { emailNotification } from '../../core/content/push-documents/email-notification.js';
import { serviceIndication } from '../../core/content/push-documents/service-indication.js';
import { serviceLoading } from '../../core/content/push-documents/service-loading.js';
import { encodeWbxml } from '../../core/content/wbxml/encoder.js';
import { WbxmlLanguage } from '../../core/content/wbxml/language.js';
import { writeXml } from '../../core/content/xml/writer.js';

/** The server whose digest the sample contains. An application that verifies digests needs its own samples. */
const DM_SERVER = { id: 'dm.example', password: 'secret' };
const DM_NONCE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const DAY = 86_400_000;

const BUILT_IN: Readonly<Record<string, () => Uint8Array>> = {
  'text/plain': () => text('Sunny, 21 degrees, a light wind from the west.\n'),
  'text/html': () => text('<!doctype html><title>Weather</title><p>Sunny, 21 degrees.</p>\n'),
  'application/json': () => text('{"weather":"sunny","degrees":21}\n'),
  'application/xml': () => text('<?xml version="1.0"?><weather degrees="21">sunny</weather>\n'),
  'text/xml': () => text('<?xml version="1.0"?><weather degrees="21">sunny</weather>\n'),
  'image/png': onePixel,
  'application/octet-stream': () => text('any octets'),
  'application/vnd.wap.mms-message': multimediaMessage,
  'text/vnd.wap.si': () => serviceIndication.toXml(newMail()),
  'application/vnd.wap.sic': () => serviceIndication.toWbxml(newMail()),
  'text/vnd.wap.sl': () => serviceLoading.toXml(WEATHER),
  'application/vnd.wap.slc': () => serviceLoading.toWbxml(WEATHER),
  'text/vnd.wap.co': () => cacheOperation.toXml(OUTDATED),
  'application/vnd.wap.coc': () => cacheOperation.toWbxml(OUTDATED),
  'application/vnd.syncml.notification': managementAlert,
  'application/vnd.syncml.dm.notification': managementAlert,
  'application/vnd.oma.dcdc': () => text('a package of headlines'),
  'text/vnd.wap.emn+xml': () => emailNotification.toXml(CHANGED_MAILBOX),
  'application/vnd.wap.emn+wbxml': () => emailNotification.toWbxml(CHANGED_MAILBOX),
  'text/vnd.wap.connectivity-xml': () => writeXml(PROVISIONING),
  'application/vnd.wap.connectivity-wbxml': () => encodeWbxml({ language: PROV, root: PROVISIONING }),
  'application/vnd.oma.dcd': () => text('Headline 1 of this edition\nHeadline 2 of this edition\n'),
};

const WEATHER = { href: 'http://weather.example/today.wml', action: 'cache' } as const;
const OUTDATED = {
  invalidations: [{ what: 'object', uri: 'http://weather.example/yesterday.wml' }],
} as const;

const CHANGED_MAILBOX = {
  mailbox: 'mailat:user@mail.example',
  timestamp: new Date('2026-01-01T12:00:00Z'),
} as const;

/** The tokens of the sample (OMA Client Provisioning 1.1, Provisioning Content 7). */
const PROV = new WbxmlLanguage({
  title: 'PROV',
  publicId: 0x0b,
  tags: [{ 0x05: 'wap-provisioningdoc', 0x06: 'characteristic', 0x07: 'parm' }],
  attributeStarts: [{ 0x05: ['name'], 0x06: ['value'], 0x45: ['version'], 0x50: ['type'] }],
});
const PROVISIONING = element(
  'wap-provisioningdoc',
  { version: '1.1' },
  element('characteristic', { type: 'BOOTSTRAP' }, element('parm', { name: 'NAME', value: 'Operator' })),
);

/** A built-in sample of a type in the range; undefined if there is none. */
export function builtInSample(range: string): { type: string; octets: Uint8Array } | undefined {
  for (const [type, make] of Object.entries(BUILT_IN)) {
    if (matchesMediaRange(range, type)) return { type, octets: make() };
  }
  return undefined;
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

function newMail() {
  const now = Math.floor(Date.now() / 1000) * 1000;
  return {
    id: 'mailbox@mail.example',
    href: 'https://mail.example/inbox',
    created: new Date(now),
    expires: new Date(now + DAY),
    action: 'signal-high',
    text: 'New mail',
  } as const;
}

function multimediaMessage(): Uint8Array {
  return encodeNotification({
    transactionId: 'check-1',
    version: '1.2',
    from: '+15550100/TYPE=PLMN',
    subject: 'Greetings from the beach',
    messageClass: 'personal',
    messageSize: 29_696,
    expiry: { seconds: DAY / 1000 },
    contentLocation: 'http://mmsc.example/check-1',
  });
}

function managementAlert(): Uint8Array {
  const { id: serverId, password } = DM_SERVER;
  const trigger = encodeDmTrigger({
    version: '1.2',
    uiMode: 'informative',
    initiator: 'server',
    sessionId: 1,
    serverId,
  });
  return encodeDmNotification(dmDigest({ serverId, password, nonce: DM_NONCE }, trigger), trigger);
}

/** A picture of one transparent pixel. */
function onePixel(): Uint8Array {
  const base64 =
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
