/** The options of a test host, and the pushes to it. */

import type { AppPermissions } from '../../core/app/contract/permissions.js';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import type { RuntimeLimits } from '../../core/app/runtime.js';
import type { HostEvent } from '../../core/host.js';
import type { ReceiptOutcome } from '../../core/sender/outcome.js';
import type { PushBody } from './body.js';
import type { TestServer } from './internet.js';

/** An application with its options and permissions. */
export interface HostedDefinition {
  /** The application. */
  definition: PushAppDefinition;
  /** Options of the application. */
  options?: unknown;
  /** Permissions of the application; by default only the limits of the host apply. */
  permissions?: AppPermissions;
}

/** An application, alone or with its options. */
export type TestApp = PushAppDefinition | HostedDefinition;

/** The options of a test host. Only `apps` is required. */
export interface TestHostOptions {
  /** Applications of the device. */
  apps: readonly TestApp[];
  /** Time at the start; noon of 2026-01-01 (UTC) by default. */
  now?: Date | number;
  /** Answers the HTTP requests of applications. No request leaves the process. */
  server?: TestServer;
  /** Origins that applications can fetch from, like `fetch.allow` of a host; all by default. */
  allow?: readonly string[];
  /** Trusted senders; all of `domain.test` by default. */
  trust?: readonly string[];
  /** Limits of the runtime. */
  limits?: Partial<RuntimeLimits>;
}

/** A push to a test host. */
export interface TestPush {
  /** event-app-id of the addressed application. */
  app: string;
  /** Media type with its parameters, `text/plain;charset=utf-8`. */
  type: string;
  /** Content; empty by default. */
  body?: PushBody;
  /** `pager` by default: a MESSAGE with up to about 1000 bytes. */
  mode?: 'pager' | 'session' | 'indirect';
  /** Headers of the content, in session mode. */
  headers?: Readonly<{
    /** Content-Disposition. */
    'content-disposition'?: string;
    /** Content-Description. */
    'content-description'?: string;
  }>;
  /** Name of the file, in session mode. */
  fileName?: string;
  /** Compresses the content, in pager mode. */
  encoding?: 'gzip' | 'deflate';
  /** Asserted identity of the sender; `sip:sender@domain.test` by default. */
  from?: string;
  /** URN of the instance of the application (TS appendix D). */
  iari?: string;
  /** Id of the push, in session mode. The same id and content resume the push. */
  id?: string;
  /** Cancels the push. */
  signal?: AbortSignal;
}

/** The result of a push, as its sender receives it. */
export interface TestPushResult {
  /** `delivered`; `refused` by the receiver or the core; `failed` without a decision. */
  outcome: ReceiptOutcome;
  /** SIP or MSRP status; absent without a response. */
  status?: number;
  /** Reason, as text for users. */
  reason: string;
  /** Whether a retry can succeed. */
  retryable: boolean;
  /** Seconds to wait before a retry. */
  retryAfter?: number;
  /** `push.id`, if an application received the push. */
  pushId?: string;
  /**
   * What `receive` threw, even after a commit; an AppError if it did not end in time. A durable push is
   * `delivered` nevertheless, and redelivered. Absent for a refusal. The sender does not receive it.
   */
  error?: unknown;
}

/** A push that is on disk and not accepted yet. */
export interface InboxPush {
  /** `push.id`. */
  id: string;
  /** event-app-id of the application. */
  app: string;
  /** Number of delivery attempts. */
  attempts: number;
}

/** The type of an event of the host, by its name. */
export type EventOf<Name extends HostEvent['event']> = Extract<
  HostEvent,
  {
    /** Name of the event. */
    event: Name;
  }
>;
