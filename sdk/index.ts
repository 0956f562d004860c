/**
 * The contract of push applications: what an application imports.
 *
 * @example A push application
 * ```ts
 * import { definePushApp, refuse } from 'sip-push/sdk';
 * import * as z from 'zod/mini';
 *
 * export default definePushApp({
 *   id: 'weather.ua',
 *   accepts: ['text/plain'],
 *   maxSize: 100_000,
 *   options: z.strictObject({ keep: z._default(z.number(), 10) }),
 *   needs: ['storage', 'log'],
 *   events: { forecast: z.object({ from: z.string(), text: z.string() }) },
 *   queries: { forecast: true },
 *
 *   start: ({ storage, log, options }) => ({
 *     async receive(push) {
 *       const text = await push.text();
 *       if (!text.trim()) throw refuse('declined', 'the forecast is empty');
 *       await push.commit((tx) => {
 *         tx.put('forecast', text);
 *         tx.emit('forecast', { from: push.from, text });
 *       });
 *       log.info(`keeping ${options.keep}`);
 *     },
 *     describe: async (push) => ({ title: 'Weather', text: await push.text() }),
 *     queries: { forecast: () => storage.get('forecast') },
 *   }),
 * });
 * ```
 * @module sip-push/sdk
 */

import type {
  PushAppDefinition,
  QuerySchemas,
  StartedApp,
  WithoutUnknownHooks,
} from '../core/app/contract/push-app.js';
import type {
  AppServiceName,
  NeededService,
  ProvidedService,
  ServiceName,
} from '../core/app/contract/services.js';
import type { EventSchemas } from '../core/app/contract/transaction.js';
import { ConfigurationError, PushRefused, REFUSAL_KINDS, type RefusalKind } from '../core/errors.js';

export type * from '../core/app/contract/options.js';
export type { AppPermissions } from '../core/app/contract/permissions.js';
export type * from '../core/app/contract/push.js';
export type * from '../core/app/contract/push-app.js';
export { CONTRACT_VERSION } from '../core/app/contract/push-app.js';
export type * from '../core/app/contract/services.js';
export type {
  Emit,
  EventSchemas,
  FieldsOf,
  InputOf,
  OutputOf,
  RunTransaction,
  Transaction,
} from '../core/app/contract/transaction.js';
export type { ByteRange, Content, MediaType } from '../core/content/content.js';
export { FetchError, type FetchFailure } from '../core/content/fetch/fetch-error.js';
export {
  ConfigurationError,
  LimitError,
  MalformedError,
  type PushRefused,
  QuotaError,
  type RefusalKind,
} from '../core/errors.js';
export { type RetryLimits, retryDelay } from './retry.js';

/**
 * Defines a push application: `export default definePushApp({ id: 'mms.ua', needs: ['log'], … })`. The types of the
 * argument and result of `start` follow from `needs`, `options`, `provides`, `events` and `queries`.
 */
export function definePushApp<
  const Needs extends ServiceName | (string & {}) = never,
  Options = unknown,
  const Provides extends AppServiceName | (string & {}) = never,
  const Events extends EventSchemas = Record<never, never>,
  const Queries extends QuerySchemas = Record<never, never>,
  Started extends StartedApp<
    NoInfer<Needs>,
    NoInfer<Provides>,
    NoInfer<Events>,
    NoInfer<Queries>
  > = StartedApp<NoInfer<Needs>, NoInfer<Provides>, NoInfer<Events>, NoInfer<Queries>>,
>(
  definition: PushAppDefinition<
    NeededService<Needs>,
    Options,
    ProvidedService<Provides>,
    Events,
    Queries,
    WithoutUnknownHooks<Started>
  >,
): PushAppDefinition<NoInfer<Needs>, Options, NoInfer<Provides>, NoInfer<Events>, NoInfer<Queries>>;
export function definePushApp(definition: PushAppDefinition): PushAppDefinition {
  return definition;
}

/**
 * A refusal: `throw refuse('declined', 'the forecast is empty')`. `consider` and `receive` throw it to refuse a push.
 * @param kind decides the status that the sender receives. `forbidden`, `type` and `size` are permanent. After `busy`,
 * `resources` and `failed` the sender can retry. `declined`: the application does not want the push.
 * @param reason for the log; for the sender in session mode, and if the kind is `type`.
 * @param options its cause, and for `busy` and `resources` the seconds of Retry-After.
 * @throws ConfigurationError if the kind is unknown or there is no reason.
 */
export function refuse(
  kind: RefusalKind,
  reason: string,
  options?: ErrorOptions & { retryAfter?: number },
): PushRefused {
  if (!REFUSAL_KINDS.includes(kind)) {
    throw new ConfigurationError(`invalid kind of refusal "${kind}": expected ${REFUSAL_KINDS.join(', ')}`);
  }
  if (typeof reason !== 'string' || reason === '') {
    throw new ConfigurationError(`missing reason of the refusal "${kind}": expected a text`);
  }
  return new PushRefused(kind, reason, options);
}
