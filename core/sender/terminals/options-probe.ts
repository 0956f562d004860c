/**
 * Finds out by OPTIONS which terminals are registered if the registrar reports only addresses of contacts. Each terminal
 * that sent its GRUU (TS 5.2-03) gets an OPTIONS to the GRUU; the core answers 480 if it is not registered.
 */

import { SipPushError } from '../../errors.js';
import type { SipResponse } from '../../sip/message/message.js';
import { parseDeltaSeconds } from '../../sip/values/parameters.js';
import { asError } from '../../text.js';
import type { TerminalDirectory } from './directory.js';
import {
  isAnonymous,
  isSelfIdentified,
  isUnregisteredStatus,
  type SelfIdentified,
  type Terminal,
} from './terminal.js';

export interface OptionsProbeOptions {
  directory: TerminalDirectory;
  /** Sends an OPTIONS. @returns the final response. */
  sendOptions(gruu: string): Promise<SipResponse>;
  onError?(error: Error): void;
}

interface Run {
  /** The registrations changed during the run. */
  repeat: boolean;
}

export class OptionsProbe {
  /** Runs in progress, by user. */
  readonly #runs = new Map<string, Run>();

  constructor(private readonly options: OptionsProbeOptions) {}

  /** Probes the terminals of a user; repeats a run in progress when it ends. */
  start(user: string): void {
    const current = this.#runs.get(user);
    if (current) {
      current.repeat = true;
      return;
    }
    const run = { repeat: false };
    this.#runs.set(user, run);
    this.#run(user, run)
      .catch((error: unknown) => {
        this.options.onError?.(asError(error));
      })
      .finally(() => {
        this.#runs.delete(user);
        // `start` was called after the last check of the run.
        if (run.repeat) this.start(user);
      });
  }

  async #run(user: string, run: Run): Promise<void> {
    do {
      run.repeat = false;
      await this.#probeAll(user, (terminal) => terminal.registered);
      // An address belongs to no registered terminal: a terminal may have registered while the sender was down.
      if (this.#unaccounted(user) > 0) await this.#probeAll(user, (terminal) => !terminal.registered);
    } while (run.repeat);
  }

  #unaccounted(user: string): number {
    const registered = this.options.directory.of(user).filter((terminal) => terminal.registered);
    return registered.filter(isAnonymous).length - registered.filter(isSelfIdentified).length;
  }

  async #probeAll(user: string, which: (terminal: Terminal) => boolean): Promise<void> {
    const probed = this.options.directory.of(user).filter(isSelfIdentified).filter(which);
    await Promise.all(probed.map((terminal) => this.#probe(terminal)));
  }

  async #probe({ user, gruu }: SelfIdentified<Terminal>): Promise<void> {
    const { directory, sendOptions } = this.options;
    const before = directory.find(gruu);
    try {
      const { status, headers } = await sendOptions(gruu);
      // A change during the request is newer than the response.
      if (directory.find(gruu) !== before) return;
      if (status < 300) directory.setRegistered(user, { gruu });
      else if (isUnregisteredStatus(status, parseDeltaSeconds(headers.get('Retry-After'))))
        directory.setUnregistered(user, { gruu });
    } catch (error) {
      // Without a response, the state is unknown and does not change.
      if (!(error instanceof SipPushError)) throw error;
    }
  }
}
