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
