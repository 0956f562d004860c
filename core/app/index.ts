/** The application-dispatch runtime, as other folders of core use it. */

export {
  canonicalEventAppId,
  isEventAppId,
  PUSH_FEATURE_TAG,
  parseEventAppIds,
} from './contract/event-app-id.js';
export { senderReason } from './contract/outcome.js';
export type * from './contract/push.js';
export type * from './contract/push-app.js';
export type * from './contract/services.js';
export * from './runtime.js';
