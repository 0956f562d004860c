/**
 * The agents and the runtime of OMA Push using SIP.
 * @module sip-push
 */

import '#platform/complete';

export type * from './app/contract.js';
export { canonicalEventAppId, isEventAppId, PUSH_FEATURE_TAG, parseEventAppIds } from './app/event-app-id.js';
export { type IsolatedOptions, isolated, type WorkerIsolation } from './app/isolation/isolated.js';
export {
  type AppOnPush,
  type AppPermissions,
  type AppToLoad,
  PushRuntime,
  type StaticManifest,
} from './app/runtime.js';
export type { Content, MediaType } from './content/content.js';
export { FetchError, type FetchFailure } from './content/fetch/fetch-error.js';
export type { FetchLimits } from './content/fetch/guarded-fetch.js';
export { formatMediaType, parseMediaType } from './content/media-type.js';
export { memoryContent } from './content/memory-content.js';
export * from './errors.js';
export {
  createPushReceiver,
  type HostEvent,
  type HostedApp,
  type PushHost,
  type PushHostOptions,
} from './host.js';
export type { RelayAccount } from './msrp/index.js';
export type { ReceiverEvent } from './receiver/events.js';
export type { SenderCapabilities } from './receiver/negotiation/capabilities.js';
export { negotiateWith } from './receiver/negotiation/negotiations.js';
export type { ProfileOptions } from './receiver/negotiation/profile.js';
export { PushReceiverAgent, type PushReceiverOptions } from './receiver/receiver.js';
export { throughRelay } from './receiver/session/relayed-place.js';
export type { PublishOptions } from './sender/publisher.js';
export type {
  ContentPush,
  ContentReference,
  FilesPush,
  PushModeWish,
  PushRequest,
  Receipt,
} from './sender/push-request.js';
export { PushSenderAgent, type PushSenderOptions, type SendOptions } from './sender/sender.js';
export type { MediaOptions } from './sender/session/media-listener.js';
export type { PushFile } from './sender/session/offered-file.js';
export type { FileProgress } from './sender/session/session.js';
export { type DirectoryChange, TerminalDirectory } from './sender/terminals/directory.js';
export type { TerminalFilter } from './sender/terminals/targets.js';
export type { Terminal, TerminalFacts } from './sender/terminals/terminal.js';
export { createPushSender, type PushSenderHost, type PushSenderHostOptions } from './sender-host.js';
export { type AkaCredentials, akaCredentials } from './sip/aka/aka-answers.js';
export { SoftwareUicc, type SoftwareUiccOptions } from './sip/aka/software-uicc.js';
export type { Uicc, UiccAnswer } from './sip/aka/uicc.js';
export type { AccountCredentials } from './sip/authorization.js';
