/**
 * `sip-push/testing`: a device in a test, pushes to it, and content that is broken in many ways. Works with any test
 * runner.
 * @module sip-push/testing
 */

export { type Replayed, type ReplayOptions, replay } from '../record/replay.js';
export type { PushBody, StreamBody } from './body.js';
export {
  bitFlipped,
  bitFlips,
  bomb,
  brokenOff,
  corrupted,
  empty,
  oversized,
  type SlowBody,
  slow,
  truncated,
  wrongCharset,
  wrongLength,
} from './broken.js';
export type { TestServer } from './internet.js';
export type { StoreMoment } from './memory-store.js';
export type {
  EventOf,
  HostedDefinition,
  InboxPush,
  TestApp,
  TestHostOptions,
  TestPush,
  TestPushResult,
} from './options.js';
export type { HostClock } from './test-clock.js';
export { startTestHost, type TestHost } from './test-host.js';
