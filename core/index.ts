/**
 * The Push Receiver Agent, the Push Sender Agent and the application runtime of OMA Push using SIP.
 *
 * @example A device that prints what its applications emit
 * ```ts
 * import { createPushReceiver } from 'sip-push';
 * import wml from 'sip-push/apps/wml.ua';
 *
 * const device = await createPushReceiver({
 *   identity: 'sip:bob@domain.test',
 *   servers: ['sip:127.0.0.1:5060;transport=tcp'],
 *   trust: ['sip:psa@domain.test'],
 *   apps: [{ definition: wml }],
 *   onEvent: (event) => event.event === 'app' && console.log(event.app, event.kind),
 * });
 * process.once('SIGTERM', () => device.stop('SIGTERM'));
 * ```
 *
 * @example A sender
 * ```ts
 * import { createPushSender, memoryContent } from 'sip-push';
 *
 * const sender = await createPushSender({
 *   identity: 'sip:psa@domain.test',
 *   servers: ['sip:127.0.0.1:5060;transport=tcp'],
 * });
 * const receipts = await sender.send({
 *   to: 'sip:bob@domain.test',
 *   app: 'weather.ua',
 *   content: memoryContent({ type: 'text/plain', parameters: {} }, new TextEncoder().encode('sunny')),
 * });
 * for (const { outcome, status, reason } of receipts) console.log(outcome, status, reason);
 * await sender.stop();
 * ```
 * @module sip-push
 */

import '#platform/complete';

export {
  canonicalEventAppId,
  isEventAppId,
  PUSH_FEATURE_TAG,
  parseEventAppIds,
} from './app/contract/event-app-id.js';
export type * from './app/contract/push-app.js';
export { type IsolatedOptions, isolated, type WorkerIsolation } from './app/isolation/isolated.js';
export {
  type AppOnPush,
  type AppPermissions,
  type AppToLoad,
  PushRuntime,
  type StaticManifest,
  type WaitingPushes,
} from './app/runtime.js';
export type { Content, MediaType } from './content/content.js';
export { memoryContent } from './content/content.js';
export { FetchError, type FetchFailure } from './content/fetch/fetch-error.js';
export type { FetchLimits } from './content/fetch/guarded-fetch.js';
export { formatMediaType, parseMediaType } from './content/media-type.js';
export * from './errors.js';
export {
  createPushReceiver,
  type HostEvent,
  type HostedApp,
  type PushHost,
  type PushHostOptions,
} from './host.js';
export type { RelayAccount } from './msrp/index.js';
export type { SenderCapabilities } from './receiver/capabilities.js';
export type { ProfileOptions } from './receiver/device-profile.js';
export type { ReceiverEvent } from './receiver/events.js';
export { negotiateWith } from './receiver/negotiation.js';
export { watchRegistration } from './receiver/own-registration.js';
export { PushReceiverAgent, type PushReceiverOptions } from './receiver/receiver.js';
export { throughRelay } from './receiver/session/media-connector.js';
export type { PublishOptions } from './sender/publisher.js';
export type {
  ContentPush,
  ContentReference,
  FilesPush,
  PushModeChoice,
  PushRequest,
  Receipt,
  TerminalFilter,
} from './sender/push-request.js';
export { PushSenderAgent, type PushSenderOptions, type SendOptions } from './sender/sender.js';
export type { MediaOptions } from './sender/session/media-listener.js';
export type { PushFile } from './sender/session/outgoing-line.js';
export type { FileProgress } from './sender/session/terminal-push.js';
export { type DirectoryChange, TerminalDirectory } from './sender/terminals/directory.js';
export type { Terminal, TerminalFacts } from './sender/terminals/terminal.js';
export { createPushSender, type PushSenderHost, type PushSenderHostOptions } from './sender-host.js';
export { type AkaCredentials, akaCredentials } from './sip/authentication/aka-answers.js';
export type { AccountCredentials } from './sip/authentication/authorization.js';
export type { Uicc, UiccAnswer } from './sip/authentication/software-uicc.js';
export { SoftwareUicc, type SoftwareUiccOptions } from './sip/authentication/software-uicc.js';
