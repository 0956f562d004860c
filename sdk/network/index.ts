/**
 * `sip-push/network`: an embedded SIP/IP core for demos, development and tests.
 * @module sip-push/network
 */

export type { UserOptions, Users } from './accounts.js';
export type {
  DeregisteredEvent,
  MessageEvent,
  NetworkEvent,
  RegisteredEvent,
  RegistrationInfo,
} from './events.js';
export { NETWORK_NOTICE, type Network, startNetwork } from './network.js';
export type { NetworkOptions } from './options.js';
