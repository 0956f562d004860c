/** What the other rooms use of the application-dispatch runtime. */

export type * from './contract.js';
export { canonicalEventAppId, isEventAppId, PUSH_FEATURE_TAG, parseEventAppIds } from './event-app-id.js';
export * from './runtime.js';
export type * from './services.js';
