/** Starts a session that a server requested. The alarm of the server does it, with retries that survive a restart. */

import { type AppClock, type AppLog, type DueAlarm, type RetryLimits, retryDelay } from 'sip-push/sdk';
import type { DmSessionRequest, StartSession } from './session.js';

/** About five hours. A server that still needs a session sends another alert. */
const RETRY: RetryLimits = { first: 30_000, longest: 3_600_000, attempts: 12 };
/** Octets. Nonces usually have 16. */
const MAX_NONCE = 256;

/** The data of an alarm: a session to start, and the number of failed attempts. */
export interface WaitingSession {
  readonly request: DmSessionRequest;
  readonly failures: number;
}

/** @returns the nonce of the session, if it provides one. */
export async function runSession(
  alarm: DueAlarm,
  start: StartSession,
  { clock, log, signal }: { clock: AppClock; log: AppLog; signal: AbortSignal },
): Promise<Uint8Array | undefined> {
  // Only this application sets the alarm.
  const { request, failures } = alarm.data as WaitingSession;
  try {
    return nonceOf(await Promise.race([start(request, alarm.signal), rejectedBy(alarm.signal)]));
  } catch (error) {
    // A stopped application starts the session after its next start.
    if (signal.aborted) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const problem = `session ${request.sessionId} with ${request.serverId} could not be started`;
    const delay = retryDelay(RETRY, failures + 1, error);
    if (delay === undefined) {
      log.error(`${problem}, gave up: ${reason}`);
      return undefined;
    }
    const next: WaitingSession = { request, failures: failures + 1 };
    // Rejects if another alert arrived during the attempt: its session starts without delay.
    await alarm.commit((tx) => tx.setAlarm(alarm.key, clock.now().getTime() + delay, next));
    log.warn(`${problem}, retry in ${delay / 1000} s: ${reason}`);
    return undefined;
  }
}

/** Rejects when the signal is aborted: a session can ignore it. */
function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

function nonceOf(result: unknown): Uint8Array | undefined {
  const { nonce }: { nonce?: unknown } = Object(result);
  if (nonce === undefined) return undefined;
  if (nonce instanceof Uint8Array && nonce.length > 0 && nonce.length <= MAX_NONCE) return nonce;
  throw new Error(`invalid nonce from startSession: expected 1 to ${MAX_NONCE} octets in a Uint8Array`);
}
