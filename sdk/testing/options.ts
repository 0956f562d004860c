/** How a test host is set up, and what a push to it is. */

import type { AppPermissions } from '../../core/app/contract/permissions.js';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import type { RuntimeLimits } from '../../core/app/runtime.js';
import type { HostEvent } from '../../core/host.js';
import type { ReceiptOutcome } from '../../core/sender/outcome.js';
import type { PushBody } from './body.js';
import type { TestServer } from './internet.js';

/** An application with what the host's configuration says for it. */
export interface HostedDefinition {
  definition: PushAppDefinition;
  options?: unknown;
  /** What it may do, as its manifest says; absent: as much as any. */
  permissions?: AppPermissions;
}

/** An application, alone or with its options. */
export type TestApp = PushAppDefinition | HostedDefinition;

/** How a test host is set up. Only `apps` is required. */
export interface TestHostOptions {
  apps: readonly TestApp[];
  /** When the test takes place; noon of 2026-01-01 (UTC) when absent. */
  now?: Date | number;
  /** Answers what applications fetch; absent: nobody does. Nothing leaves this process. */
  server?: TestServer;
  /** Origins that applications may fetch from, as `fetch.allow` of a host; absent: every one. */
  allow?: readonly string[];
  /** Identities whose pushes are taken; absent: everybody of `domain.test`, where `push` comes from by itself. */
  trust?: readonly string[];
  /** Bounds of the runtime, where a test wants to meet them. */
  limits?: Partial<RuntimeLimits>;
}

/** One push, as a sender orders it. */
export interface TestPush {
  /** event-app-id of the application addressed. */
  app: string;
  /** Media type, with parameters where it has any: `text/plain;charset=utf-8`. */
  type: string;
  /** Empty when absent. */
  body?: PushBody;
  /** `pager` when absent: a MESSAGE, which holds some 1000 bytes. */
  mode?: 'pager' | 'session' | 'indirect';
  /** Session mode carries these. */
  headers?: Readonly<{ 'content-disposition'?: string; 'content-description'?: string }>;
  /** Session mode carries it. */
  fileName?: string;
  /** Pager mode: compressed on the way. */
  encoding?: 'gzip' | 'deflate';
  /** Who pushes, as the core asserts it; `sip:sender@domain.test` when absent. */
  from?: string;
  /** Which instance of the application (TS appendix D). */
  iari?: string;
  /** Session mode: the same id, with the same content, is the same push tried again. */
  id?: string;
  /** The sender gives up. */
  signal?: AbortSignal;
}

/** What became of a push, as its sender sees it. */
export interface TestPushResult {
  /** `refused`: the receiver or the core said no. `failed`: no final word of an application came. */
  outcome: ReceiptOutcome;
  /** Of SIP or MSRP; absent when nothing came. */
  status?: number;
  reason: string;
  /** Whether a sender may try the same push again. */
  retryable: boolean;
  /** Seconds before which that is unwelcome. */
  retryAfter?: number;
  /** `push.id` of the application, where one was given it. */
  pushId?: string;
}

/** A push that is on disk and not taken yet. */
export interface InboxPush {
  id: string;
  app: string;
  /** Deliveries begun. */
  attempts: number;
}

/** An event of the host by its name. */
export type EventOf<Name extends HostEvent['event']> = Extract<HostEvent, { event: Name }>;
