/**
 * The agents and the runtime of OMA Push using SIP.
 * @module sip-push
 */

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
export { PushReceiverAgent, type PushReceiverOptions } from './receiver/receiver.js';
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
export type { Uicc, UiccAnswer } from './sip/authentication/aka/software-uicc.js';
export { SoftwareUicc, type SoftwareUiccOptions } from './sip/authentication/aka/software-uicc.js';
export type { AccountCredentials } from './sip/authentication/authorization.js';
