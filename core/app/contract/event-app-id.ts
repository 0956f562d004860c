/** Push Resource Identifiers: which application a push is for (TS 7.1). */

/** 7.1-02: the media feature tag, prefixed as in a header. */
export const PUSH_FEATURE_TAG = '+g.oma.pusheventapp';

/** 7.1-04: the namespace of OMNA's push application ids; other prefixes are other applications. */
const OMNA_PREFIX = 'x-wap-application:';

/** 7.1-03: 1*(%x21 / %x23-2B / %x2D-7E), no quote, no comma, no blank. */
const EVENT_APP_ID = /^[\x21\x23-\x2b\x2d-\x7e]+$/;

/** Longest id, characters: a registered one has under 40, and every one goes into each REGISTER. */
const MAX_LENGTH = 255;

/** Whether it may stand in a feature tag as an event-app-id. */
export function isEventAppId(text: string): boolean {
  return text.length <= MAX_LENGTH && EVENT_APP_ID.test(text);
}

/** `x-wap-application:mms.ua` and `mms.ua` → `mms.ua`; any other text as it is. */
export function canonicalEventAppId(text: string): string {
  const prefixed = text.slice(0, OMNA_PREFIX.length).toLowerCase() === OMNA_PREFIX;
  return prefixed && text.length > OMNA_PREFIX.length ? text.slice(OMNA_PREFIX.length) : text;
}

/**
 * The ids in the unquoted value of the feature tag, as written and in order: `wml.ua,mms.ua, syncml.dm` (B.1.1
 * has a blank after a comma). What is no event-app-id is left out.
 */
export function parseEventAppIds(value: string): string[] {
  return value
    .split(',')
    .map((element) => element.trim())
    .filter(isEventAppId);
}

/** How IMS names push (TS appendix D): its communication service (ICSI), and an instance of an application (IARI). */

export const PUSH_SERVICE = 'urn:urn-7:3gpp-service.ims.icsi.omapush';

export const SERVICE_FEATURE_TAG = '+g.3gpp.icsi-ref';
export const INSTANCE_FEATURE_TAG = '+g.3gpp.iari-ref';

/** A URN; percent-encoded, too. */
export function isIari(text: string): boolean {
  return /^urn[:%][\x21\x23-\x2b\x2d-\x7e]+$/i.test(text);
}

/** `urn%3Aurn-7%3A3gpp-application…`, as a feature tag has an IARI, and the URN itself are one. */
export function canonicalIari(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** 3GPP TS 24.229 7.9.2: percent-encoded, since a colon is no tag-value character of RFC 3840 (nor are these three). */
export function serviceFeatureValue(urn: string): string {
  return encodeURIComponent(urn).replace(/[!()]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}
