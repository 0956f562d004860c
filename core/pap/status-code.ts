/** Status codes of PAP: the four digits of `code`, in classes of a thousand. */

/** The codes that this package uses or reads. */
export const PAP_CODE = {
  /** OK. */
  ok: 1000,
  /** Accepted for processing. */
  accepted: 1001,
  /** Bad request. */
  badRequest: 2000,
  /** Forbidden. */
  forbidden: 2001,
  /** Address error. */
  addressError: 2002,
  /** Address not found. */
  addressNotFound: 2003,
  /** Push id not found. */
  pushIdNotFound: 2004,
  /** Capabilities mismatch. */
  capabilitiesMismatch: 2005,
  /** Required capabilities not supported. */
  requiredCapabilitiesNotSupported: 2006,
  /** Duplicate push id. */
  duplicatePushId: 2007,
  /** Cancellation not possible. */
  cancellationNotPossible: 2008,
  /** Internal server error. */
  internalServerError: 3000,
  /** Not implemented. */
  notImplemented: 3001,
  /** Version not supported. */
  versionNotSupported: 3002,
  /** Not possible. */
  notPossible: 3003,
  /** Capability matching not supported. */
  capabilityMatchingNotSupported: 3004,
  /** Multiple addresses not supported. */
  multipleAddressesNotSupported: 3005,
  /** Transformation failure. */
  transformationFailure: 3006,
  /** Specified delivery method not possible. */
  deliveryMethodNotPossible: 3007,
  /** Capabilities not available. */
  capabilitiesNotAvailable: 3008,
  /** Required network not available. */
  networkNotAvailable: 3009,
  /** Required bearer not available. */
  bearerNotAvailable: 3010,
  /** Replacement not supported. */
  replacementNotSupported: 3011,
  /** Service failure. */
  serviceFailure: 4000,
  /** Service unavailable. */
  serviceUnavailable: 4001,
  /** Mobile client aborted. */
  clientAborted: 5000,
} as const;

const DESCRIPTIONS: ReadonlyMap<number, string> = new Map([
  [PAP_CODE.ok, 'OK'],
  [PAP_CODE.accepted, 'Accepted for processing'],
  [PAP_CODE.badRequest, 'Bad request'],
  [PAP_CODE.forbidden, 'Forbidden'],
  [PAP_CODE.addressError, 'Address error'],
  [PAP_CODE.addressNotFound, 'Address not found'],
  [PAP_CODE.pushIdNotFound, 'Push id not found'],
  [PAP_CODE.capabilitiesMismatch, 'Capabilities mismatch'],
  [PAP_CODE.requiredCapabilitiesNotSupported, 'Required capabilities not supported'],
  [PAP_CODE.duplicatePushId, 'Duplicate push id'],
  [PAP_CODE.cancellationNotPossible, 'Cancellation not possible'],
  [PAP_CODE.internalServerError, 'Internal server error'],
  [PAP_CODE.notImplemented, 'Not implemented'],
  [PAP_CODE.versionNotSupported, 'Version not supported'],
  [PAP_CODE.notPossible, 'Not possible'],
  [PAP_CODE.capabilityMatchingNotSupported, 'Capability matching not supported'],
  [PAP_CODE.multipleAddressesNotSupported, 'Multiple addresses not supported'],
  [PAP_CODE.transformationFailure, 'Transformation failure'],
  [PAP_CODE.deliveryMethodNotPossible, 'Specified delivery method not possible'],
  [PAP_CODE.capabilitiesNotAvailable, 'Capabilities not available'],
  [PAP_CODE.networkNotAvailable, 'Required network not available'],
  [PAP_CODE.bearerNotAvailable, 'Required bearer not available'],
  [PAP_CODE.replacementNotSupported, 'Replacement not supported'],
  [PAP_CODE.serviceFailure, 'Service failure'],
  [PAP_CODE.serviceUnavailable, 'Service unavailable'],
  [PAP_CODE.clientAborted, 'Mobile client aborted'],
]);

/** The description of a code. An unknown code has that of its class, x000. @param code 1000 to 5999. */
export function describePapCode(code: number): string {
  return DESCRIPTIONS.get(code) ?? DESCRIPTIONS.get(Math.floor(code / 1000) * 1000) ?? 'Unknown code';
}

/** Whether the code reports success: the class 1xxx. */
export function isPapSuccess(code: number): boolean {
  return code >= 1000 && code < 2000;
}
