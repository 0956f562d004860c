/** The sessions that alerts ask for: one at a time a server, asked for again when they could not be started. */

import { type AppLog, isTransient, printable, printableReason } from 'sip-push/sdk';
import type { DmServer, WaitingSession } from './dm-server.js';
import type { StartSession } from './session.js';

/** Milliseconds that a session may take; firmware is fetched outside of it. */
const SESSION_WITHIN = 900_000;
/** Milliseconds until a session is asked for again; each time twice as long. */
const FIRST_RETRY = 30_000;
const LONGEST_RETRY = 3_600_000;
/** About five hours: a server that still wants a session alerts again. */
const MAX_FAILURES = 12;
/** Nonces have 16 octets, by and large. */
const MAX_NONCE = 256;

export class Sessions {
  private readonly running = new Map<DmServer, Promise<void>>();
  /** Of servers whose session could not be started. */
  private readonly timers = new Map<DmServer, ReturnType<typeof setTimeout>>();

  constructor(
    /** Undefined where nobody starts sessions with a server: then its alerts are told, and that is all. */
    private readonly starterFor: (server: DmServer) => StartSession | undefined,
    private readonly log: AppLog,
    private readonly signal: AbortSignal,
  ) {}

  /** Starts the session that waits, at once; when one is under way it follows. */
  wake(server: DmServer): void {
    const start = this.starterFor(server);
    if (!start || !server.waiting || this.running.has(server) || this.signal.aborted) return;
    clearTimeout(this.timers.get(server));
    this.timers.delete(server);
    const running = this.run(server, server.waiting, start)
      .catch((error: unknown) => {
        this.log.error(`session with ${printable(server.id)}: ${printableReason(error)}`);
        this.wakeLater(server, FIRST_RETRY);
      })
      .finally(() => {
        this.running.delete(server);
        if (!this.timers.has(server)) this.wake(server);
      });
    this.running.set(server, running);
  }

  /** When nothing is under way any more: the signal has ended it. */
  async stop(): Promise<void> {
    for (const timer of this.timers.values()) clearTimeout(timer);
    await Promise.all(this.running.values());
  }

  /** Rejects when what came of it cannot be written down. */
  private async run(server: DmServer, session: WaitingSession, start: StartSession): Promise<void> {
    let nonce: Uint8Array | undefined;
    try {
      nonce = nonceOf(await this.held(session, start));
    } catch (error) {
      // What was ended with the application is asked for again when it starts.
      if (!this.signal.aborted) await this.failed(server, session, error);
      return;
    }
    await server.started(session, nonce);
  }

  /** The result of `startSession`; rejects at its deadline, and when the application stops. */
  private async held({ request }: WaitingSession, start: StartSession): Promise<unknown> {
    const controller = new AbortController();
    const late = new Error(`it did not end within ${SESSION_WITHIN / 1000} s`);
    const timer = setTimeout(() => controller.abort(late), SESSION_WITHIN);
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

  private async failed(server: DmServer, session: WaitingSession, error: unknown): Promise<void> {
    const failures = session.failures + 1;
    const name = `session ${session.request.sessionId} with ${printable(server.id)}`;
    if (failures >= MAX_FAILURES || !isTransient(error)) {
      await server.failed(session, undefined);
      this.log.error(`${name} could not be started, given up: ${printableReason(error)}`);
      return;
    }
    await server.failed(session, { ...session, failures });
    // Another alert that came meanwhile does not wait.
    if (server.waiting?.failures !== failures) return;
    const milliseconds = Math.min(FIRST_RETRY * 2 ** session.failures, LONGEST_RETRY);
    this.wakeLater(server, milliseconds);
    this.log.warn(
      `${name} could not be started, again in ${milliseconds / 1000} s: ${printableReason(error)}`,
    );
  }

  private wakeLater(server: DmServer, milliseconds: number): void {
    if (this.signal.aborted) return;
    const timer = setTimeout(() => {
      this.timers.delete(server);
      this.wake(server);
    }, milliseconds);
    this.timers.set(server, timer);
  }
}

function nonceOf(result: unknown): Uint8Array | undefined {
  const { nonce }: { nonce?: unknown } = Object(result);
  if (nonce === undefined) return undefined;
  if (nonce instanceof Uint8Array && nonce.length > 0 && nonce.length <= MAX_NONCE) return nonce;
  throw new Error(
    `startSession gave a nonce that is none: expected 1 to ${MAX_NONCE} octets in a Uint8Array`,
  );
}
