/**
 * The imports of a push application: types of the contract, errors, and helpers.
 *
 * @example A push application
 * ```ts
 * import { definePushApp, PushRefused } from 'sip-push/sdk';
 *
 * export default definePushApp({
 *   id: 'weather.ua',
 *   accepts: ['text/plain'],
 *   needs: ['storage'],
 *   delivery: 'durable',
 *   limits: { size: 1000 },
 *   start: ({ emit }) => ({
 *     async receive(push, { commit }) {
 *       const text = new TextDecoder().decode(await push.content.bytes(1000));
 *       if (text === '') throw new PushRefused('declined', 'the forecast is empty');
 *       emit('forecast', { text });
 *       await commit([{ type: 'put', key: 'forecast', value: text }]);
 *     },
 *   }),
 * });
 * ```
 * @module sip-push/sdk
 */

import type { PushAppDefinition } from '../core/app/contract/push-app.js';
import type { AppServiceName, ServiceName } from '../core/app/contract/services.js';

export type * from '../core/app/contract/options.js';
export type { AppPermissions } from '../core/app/contract/permissions.js';
export type * from '../core/app/contract/push-app.js';
export { CONTRACT_VERSION } from '../core/app/contract/push-app.js';
export type * from '../core/app/contract/services.js';
export { sha256 } from '../core/content/binary-text.js';
export type { ByteRange, Content, MediaType } from '../core/content/content.js';
export { FetchError, type FetchFailure } from '../core/content/fetch/fetch-error.js';
export { defined } from '../core/defined.js';
export {
  ConfigurationError,
  LimitError,
  MalformedError,
  PushRefused,
  QuotaError,
  type RefusalKind,
} from '../core/errors.js';
export { printable, printableReason } from '../core/text.js';
export { isHttpUrl, knownFields } from './options.js';
export { isTransient, type RetryLimits, requireSuccess, retryDelay } from './retry.js';
export { Agenda, type AgendaOptions, TaskQueue } from './tasks.js';

/**
 * Defines a push application: `export default definePushApp({ id: 'mms.ua', needs: ['log'], … })`. The types of the
 * argument and result of `start` follow from `needs`, `options` and `provides`.
 */
export function definePushApp<
  const Needs extends ServiceName = never,
  Options = unknown,
  const Provides extends AppServiceName = never,
>(
  definition: PushAppDefinition<Needs, Options, Provides>,
): PushAppDefinition<NoInfer<Needs>, Options, NoInfer<Provides>> {
  return definition;
}
