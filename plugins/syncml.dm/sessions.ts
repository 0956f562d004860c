/** The sessions that alerts ask for: one at a time a server, asked for again when they could not be started. */

import { Agenda, type AppLog, isTransient, printable, printableReason } from 'sip-push/sdk';
import type { DmServer, WaitingSession } from './dm-server.js';
import type { StartSession } from './session.js';

/** Milliseconds that a session may take; firmware is fetched outside of it. */
const SESSION_TIMEOUT = 900_000;
/** Milliseconds until a session is asked for again; each time twice as long. */
const FIRST_RETRY = 30_000;
const LONGEST_RETRY = 3_600_000;
/** About five hours: a server that still wants a session alerts again. */
const MAX_FAILURES = 12;
/** Nonces have 16 octets, by and large. */
const MAX_NONCE = 256;

export class Sessions {
  private readonly agenda: Agenda;

  constructor(
    private readonly servers: ReadonlyMap<string, DmServer>,
    /** Undefined where nobody starts sessions with a server: then its alerts are told, and that is all. */
    private readonly starterFor: (server: DmServer) => StartSession | undefined,
    private readonly log: AppLog,
    private readonly signal: AbortSignal,
  ) {
    this.agenda = new Agenda({ task: (id) => this.step(id), atOnce: servers.size, log, signal });
    for (const id of servers.keys()) this.agenda.add(id);
  }

  /** Starts the session that waits, at once; when one is under way it follows. */
  resume({ id }: DmServer): void {
    this.agenda.add(id);
  }

  /** When nothing is under way any more: the signal has ended it. */
  stop(): Promise<void> {
    return this.agenda.stop();
  }

  /**
   * Rejects when what came of it cannot be written down.
   * @returns milliseconds until it is asked for again; undefined: that is over.
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
      // What was ended with the application is asked for again when it starts.
      return this.signal.aborted ? undefined : this.failed(server, session, error);
    }
    await server.started(session, nonce);
    return undefined;
  }

  /** The result of `startSession`; rejects at its deadline, and when the application stops. */
  private async run({ request }: WaitingSession, start: StartSession): Promise<unknown> {
    const controller = new AbortController();
    const late = new Error(`it did not end within ${SESSION_TIMEOUT / 1000} s`);
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
    if (failures >= MAX_FAILURES || !isTransient(error)) {
      await server.failed(session, undefined);
      this.log.error(`${name} could not be started, given up: ${printableReason(error)}`);
      return undefined;
    }
    await server.failed(session, { ...session, failures });
    // Another alert that came meanwhile does not wait.
    if (server.waiting?.failures !== failures) return undefined;
    const milliseconds = Math.min(FIRST_RETRY * 2 ** session.failures, LONGEST_RETRY);
    this.log.warn(
      `${name} could not be started, again in ${milliseconds / 1000} s: ${printableReason(error)}`,
    );
    return milliseconds;
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
