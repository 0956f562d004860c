/** What the other rooms use of the application-dispatch runtime. */

export {
  canonicalEventAppId,
  isEventAppId,
  PUSH_FEATURE_TAG,
  parseEventAppIds,
} from './contract/event-app-id.js';
export type * from './contract/push-app.js';
export type * from './contract/services.js';
export * from './runtime.js';
