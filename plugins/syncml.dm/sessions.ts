/** Starts the requested sessions, one at a time for each server, with retries. */

import { Agenda, type AppLog, printable, printableReason, type RetryLimits, retryDelay } from 'sip-push/sdk';
import type { DmServer, WaitingSession } from './dm-server.js';
import type { StartSession } from './session.js';

/** Milliseconds. Firmware is downloaded outside of the session. */
const SESSION_TIMEOUT = 900_000;
/** About five hours. A server that still needs a session sends another alert. */
const RETRY: RetryLimits = { first: 30_000, longest: 3_600_000, attempts: 12 };
/** Octets. Nonces usually have 16. */
const MAX_NONCE = 256;

export class Sessions {
  private readonly agenda: Agenda;

  constructor(
    private readonly servers: ReadonlyMap<string, DmServer>,
    /** Undefined if no session can be started with a server: its alerts only emit events. */
    private readonly starterFor: (server: DmServer) => StartSession | undefined,
    private readonly log: AppLog,
    private readonly signal: AbortSignal,
  ) {
    this.agenda = new Agenda({ task: (id) => this.step(id), atOnce: servers.size, log, signal });
    for (const id of servers.keys()) this.agenda.add(id);
  }

  /** Starts the waiting session of a server now, or after the current one. */
  resume({ id }: DmServer): void {
    this.agenda.add(id);
  }

  /** Resolves when the tasks that were running when the signal was aborted have finished. */
  stop(): Promise<void> {
    return this.agenda.stop();
  }

  /**
   * Rejects if the result cannot be stored.
   * @returns milliseconds until the next attempt; undefined when the session was started or dropped.
   */
  private async step(id: string): Promise<number | undefined> {
    const server = this.servers.get(id);
    const session = server?.waiting;
    const start = server && this.starterFor(server);
    if (!session || !start) return undefined;
    let nonce: Uint8Array | undefined;
    try {
      nonce = nonceOf(await this.run(session, start));
    } catch (error) {
      // A stopped application starts the session after its next start.
      return this.signal.aborted ? undefined : this.failed(server, session, error);
    }
    await server.started(session, nonce);
    return undefined;
  }

  /** The result of `startSession`; rejects at its deadline, and when the application stops. */
  private async run({ request }: WaitingSession, start: StartSession): Promise<unknown> {
    const controller = new AbortController();
    const late = new Error(`the session did not finish within ${SESSION_TIMEOUT / 1000} s`);
    const timer = setTimeout(() => controller.abort(late), SESSION_TIMEOUT);
    const stop = () => controller.abort(this.signal.reason);
    this.signal.addEventListener('abort', stop);
    const aborted = new Promise<never>((_, reject) => {
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason));
    });
    try {
      return await Promise.race([start(request, controller.signal), aborted]);
    } finally {
      clearTimeout(timer);
      this.signal.removeEventListener('abort', stop);
    }
  }

  private async failed(
    server: DmServer,
    session: WaitingSession,
    error: unknown,
  ): Promise<number | undefined> {
    const failures = session.failures + 1;
    const name = `session ${session.request.sessionId} with ${printable(server.id)}`;
    const delay = retryDelay(RETRY, failures, error);
    if (delay === undefined) {
      await server.failed(session, undefined);
      this.log.error(`${name} could not be started, gave up: ${printableReason(error)}`);
      return undefined;
    }
    await server.failed(session, { ...session, failures });
    // Another alert arrived during the attempt: its session starts without delay.
    if (server.waiting?.failures !== failures) return undefined;
    this.log.warn(`${name} could not be started, retry in ${delay / 1000} s: ${printableReason(error)}`);
    return delay;
  }
}

function nonceOf(result: unknown): Uint8Array | undefined {
  const { nonce }: { nonce?: unknown } = Object(result);
  if (nonce === undefined) return undefined;
  if (nonce instanceof Uint8Array && nonce.length > 0 && nonce.length <= MAX_NONCE) return nonce;
  throw new Error(`invalid nonce from startSession: expected 1 to ${MAX_NONCE} octets in a Uint8Array`);
}
