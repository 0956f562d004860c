/**
 * An embedded SIP/IP core for demos, development and tests.
 *
 * @example Start a core and list its registrations
 * ```ts
 * import { startNetwork } from 'sip-push/network';
 *
 * const network = await startNetwork({
 *   listen: ['sip:127.0.0.1:0;transport=tcp'],
 *   users: { bob: { password: 'bob-password' } },
 * });
 * console.log(network.uris, network.registrations());
 * await network.close();
 * ```
 * @module sip-push/network
 */

export type { ListenLimits } from '../../core/platform/bounds.js';
export type { DigestAlgorithm } from '../../core/sip/authentication/digest-challenger.js';
export type {
  DeregisteredEvent,
  MessageEvent,
  NetworkEvent,
  RegisteredEvent,
  RegistrationInfo,
} from './events/network-events.js';
export { NETWORK_NOTICE, type Network, startNetwork } from './network.js';
export type { NetworkOptions } from './options.js';
export type { UserOptions, Users } from './registrar/accounts.js';
