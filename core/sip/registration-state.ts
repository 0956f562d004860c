/** What comes of a registration. */

export interface RegistrationState {
  /** Seconds granted by the registrar. */
  expires: number;
  publicGruu?: string;
  temporaryGruu?: string;
}

export interface RegistrationFailure {
  /** Absent when no response came. */
  status?: number;
  reason: string;
  /** Absent when JsSIP's connection recovery decides when to try again. */
  retryInSeconds?: number;
}
