/** What a push application imports: the contract's types, and the errors that it throws. */

import type { PushAppDefinition } from '../core/app/contract.js';
import type { ServiceName } from '../core/app/services.js';

export type * from '../core/app/contract.js';
export type * from '../core/app/services.js';
export type { ByteRange, Content, MediaType } from '../core/content/content.js';
export { LimitError, MalformedError, PushRefused, type RefusalKind } from '../core/errors.js';

/** `export default definePushApp({ id: 'mms.ua', needs: ['log'], … })`: what `start` is given follows from `needs`. */
export function definePushApp<const Needs extends ServiceName = never>(
  definition: PushAppDefinition<Needs>,
): PushAppDefinition<Needs> {
  return definition;
}
