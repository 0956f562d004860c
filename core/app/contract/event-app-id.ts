/** Push Resource Identifiers, which address the application of a push (TS 7.1), and the identifiers of IMS (appendix D). */

/** 7.1-02: the media feature tag, prefixed as in a header. */
export const PUSH_FEATURE_TAG = '+g.oma.pusheventapp';

/** 7.1-04: the namespace of OMNA's push application ids. Ids with other prefixes are other applications. */
const OMNA_PREFIX = 'x-wap-application:';

/** 7.1-03: 1*(%x21 / %x23-2B / %x2D-7E), without quotes, commas and spaces. */
const EVENT_APP_ID = /^[\x21\x23-\x2b\x2d-\x7e]+$/;

/** Limit in characters. Registered ids have less than 40, and each REGISTER contains every id. */
const MAX_LENGTH = 255;

/** Whether the text is a valid event-app-id in a feature tag. */
export function isEventAppId(text: string): boolean {
  return text.length <= MAX_LENGTH && EVENT_APP_ID.test(text);
}

/** `mms.ua` for `x-wap-application:mms.ua` and for `mms.ua`. Any other text is unchanged. */
export function canonicalEventAppId(text: string): string {
  const prefixed = text.slice(0, OMNA_PREFIX.length).toLowerCase() === OMNA_PREFIX;
  return prefixed && text.length > OMNA_PREFIX.length ? text.slice(OMNA_PREFIX.length) : text;
}

/**
 * Two ids are the same application if their keys are equal: an id is a token of RFC 3840 §9, which is compared without
 * case (RFC 2533 §3.1), or a string in angle brackets, which is compared with case. A proxy compares them likewise.
 */
export function eventAppKey(text: string): string {
  const id = canonicalEventAppId(text);
  return id.startsWith('<') ? id : id.toLowerCase();
}

/** The first of the ids that are the same application. */
export function distinctEventAppIds(ids: readonly string[]): string[] {
  const distinct = new Map<string, string>();
  for (const id of ids) if (!distinct.has(eventAppKey(id))) distinct.set(eventAppKey(id), id);
  return [...distinct.values()];
}

/**
 * The ids in the unquoted value of the feature tag, as written and in order: `wml.ua,mms.ua, syncml.dm` (B.1.1 has a space
 * after a comma). Invalid ids are ignored.
 */
export function parseEventAppIds(value: string): string[] {
  return value
    .split(',')
    .map((element) => element.trim())
    .filter(isEventAppId);
}

/** The IMS communication service (ICSI) of push (TS appendix D). */
export const PUSH_SERVICE = 'urn:urn-7:3gpp-service.ims.icsi.omapush';

export const SERVICE_FEATURE_TAG = '+g.3gpp.icsi-ref';
export const INSTANCE_FEATURE_TAG = '+g.3gpp.iari-ref';

/** Whether the text is a URN, percent-encoded or not. */
export function isIari(text: string): boolean {
  return /^urn[:%][\x21\x23-\x2b\x2d-\x7e]+$/i.test(text);
}

/** The URN of an IARI, which is percent-encoded in a feature tag: `urn%3Aurn-7%3A3gpp-application…`. */
export function canonicalIari(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Percent-encoded (3GPP TS 24.229 §7.9.2): a colon and `!()` are not allowed in a tag value of RFC 3840. */
export function serviceFeatureValue(urn: string): string {
  return encodeURIComponent(urn).replace(/[!()]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}
