/**
 * A device in a test, pushes to it, and broken content. Works with every test runner.
 *
 * @example Test an application
 * ```ts
 * import { definePushApp } from 'sip-push/sdk';
 * import { startTestHost } from 'sip-push/testing';
 *
 * const weather = definePushApp({
 *   id: 'weather.ua',
 *   accepts: ['text/plain'],
 *   events: { forecast: true },
 *   start: () => ({
 *     receive: (push) => push.commit((tx) => tx.emit('forecast', { from: push.from })),
 *   }),
 * });
 * const host = await startTestHost({ apps: [weather] });
 * const { status } = await host.push({ app: 'weather.ua', type: 'text/plain', body: 'sunny' });
 * console.log(status, host.emitted('weather.ua'));
 * await host.stop();
 * ```
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
