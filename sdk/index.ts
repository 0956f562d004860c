/**
 * What a push application imports: the contract's types, the errors that it throws or is given, and small helpers.
 * @module sip-push/sdk
 */

import type { PushAppDefinition } from '../core/app/contract.js';
import type { ServiceName } from '../core/app/services.js';

export type * from '../core/app/contract.js';
export type * from '../core/app/services.js';
export type { ByteRange, Content, MediaType } from '../core/content/content.js';
export { FetchError, type FetchFailure } from '../core/content/fetch/fetch-error.js';
export {
  ConfigurationError,
  LimitError,
  MalformedError,
  PushRefused,
  type RefusalKind,
} from '../core/errors.js';
export { Agenda, type AgendaOptions } from './agenda.js';
export { isHttpUrl, knownFields } from './options.js';
export { printable, printableReason } from './printable.js';
export { sha256 } from './sha256.js';
export { isTransient } from './transient.js';
export { Turns } from './turns.js';

/** `export default definePushApp({ id: 'mms.ua', needs: ['log'], … })`: what `start` is given follows from `needs`. */
export function definePushApp<const Needs extends ServiceName = never>(
  definition: PushAppDefinition<Needs>,
): PushAppDefinition<Needs> {
  return definition;
}
