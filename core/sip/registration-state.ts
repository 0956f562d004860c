/** What comes of a registration. */

export interface RegistrationState {
  /** Seconds granted by the registrar. */
  expires: number;
  publicGruu?: string;
  temporaryGruu?: string;
  /**
   * URIs of the implicit registration set, the default one first (P-Associated-URI, RFC 7315 4.1): requests for any of
   * them come here.
   */
  associatedUris?: readonly string[];
}

export interface RegistrationFailure {
  /** Absent when no response came. */
  status?: number;
  reason: string;
  /** Absent when JsSIP's connection recovery decides when to try again. */
  retryInSeconds?: number;
}
