/** The card of a subscriber: it alone has the key. A real one is reached by a reader, or the modem it sits in. */

/** What a card says to a challenge of the network. */
export type UiccAnswer =
  /** RES, CK and IK (3GPP TS 33.102 6.3.3); what CK and IK protect is not of this package. */
  | { result: 'authenticated'; res: Uint8Array; ck: Uint8Array; ik: Uint8Array }
  /** The sequence number was used before, or is too far ahead: AUTS, 14 octets, tells the network which was the last. */
  | { result: 'synchronisation failure'; auts: Uint8Array }
  /** The challenge is not of the subscriber's network. */
  | { result: 'mac failure' };

/**
 * The card of a subscriber: it alone has the key. A real one is reached by a reader, or the modem it sits
 * in.
 */
export interface Uicc {
  /** AUTHENTICATE (3GPP TS 31.103 7.1). @param rand 16 octets. @param autn 16 octets. */
  authenticate(rand: Uint8Array, autn: Uint8Array): Promise<UiccAnswer>;
}
