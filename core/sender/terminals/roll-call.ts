/**
 * Whether terminals are here that named themselves (TS 5.2-03), where their registrar tells of contacts by nothing but
 * their addresses: each is asked by an OPTIONS to its GRUU, which the core answers 480 when it has left.
 */

import { SipPushError } from '../../errors.js';
import type { SipResponse } from '../../sip/message/message.js';
import { parseDeltaSeconds } from '../../sip/values/parameters.js';
import type { TerminalDirectory } from './directory.js';
import { isNameless, isSelfNamed, type SelfNamed, saysGone, type Terminal } from './terminal.js';

export interface RollCallOptions {
  directory: TerminalDirectory;
  /** Sends an OPTIONS; gives the final response. */
  ask(gruu: string): Promise<SipResponse>;
  onError?(error: Error): void;
}

interface Call {
  /** Something changed since it began. */
  again: boolean;
}

export class RollCall {
  /** By user. */
  readonly #underWay = new Map<string, Call>();

  constructor(private readonly options: RollCallOptions) {}

  /** Of the terminals of a user; once more afterwards where one is under way. */
  begin(user: string): void {
    const underWay = this.#underWay.get(user);
    if (underWay) {
      underWay.again = true;
      return;
    }
    const call = { again: false };
    this.#underWay.set(user, call);
    this.#run(user, call)
      .catch((error: unknown) => {
        this.options.onError?.(error instanceof Error ? error : new Error(String(error)));
      })
      .finally(() => {
        this.#underWay.delete(user);
        // Something changed when it had ended, and this was not called yet.
        if (call.again) this.begin(user);
      });
  }

  async #run(user: string, call: Call): Promise<void> {
    do {
      call.again = false;
      await this.#ask(user, (terminal) => terminal.here);
      // Somebody is there of whom we have not heard: one that came back while we were away, and could not tell us.
      if (this.#unaccounted(user) > 0) await this.#ask(user, (terminal) => !terminal.here);
    } while (call.again);
  }

  #unaccounted(user: string): number {
    const here = this.options.directory.of(user).filter((terminal) => terminal.here);
    return here.filter(isNameless).length - here.filter(isSelfNamed).length;
  }

  async #ask(user: string, which: (terminal: Terminal) => boolean): Promise<void> {
    const asked = this.options.directory.of(user).filter(isSelfNamed).filter(which);
    await Promise.all(asked.map((terminal) => this.#askOne(terminal)));
  }

  async #askOne({ user, gruu }: SelfNamed<Terminal>): Promise<void> {
    const { directory, ask } = this.options;
    const before = directory.find(gruu);
    try {
      const { status, headers } = await ask(gruu);
      // What was heard of it meanwhile, from itself or the registrar, is newer than the answer.
      if (directory.find(gruu) !== before) return;
      if (status < 300) directory.saw(user, { gruu });
      else if (saysGone(status, parseDeltaSeconds(headers.get('Retry-After'))))
        directory.left(user, { gruu });
    } catch (error) {
      // No answer says nothing of where it is: it stays what it was.
      if (!(error instanceof SipPushError)) throw error;
    }
  }
}
