/** The sessions of a listener or a connector, by their identifiers. */

import { ConfigurationError, LimitError } from '../errors.js';
import type { MsrpLimits } from './msrp-limits.js';
import { Session, type SessionOptions } from './session.js';
import { findSessionId } from './session-uri.js';

export class Sessions {
  readonly #sessions = new Map<string, Session>();

  constructor(private readonly limits: MsrpLimits) {}

  /**
   * @param onOver it was closed, by whomever.
   * @throws ConfigurationError for a URI that is no session's, or another one's; LimitError when there are too many.
   */
  add(options: SessionOptions, onOver: () => void = () => {}): Session {
    if (this.#sessions.size >= this.limits.sessions) {
      throw new LimitError(`more than ${this.limits.sessions} MSRP sessions at a time`);
    }
    const session = new Session(options, this.limits, () => {
      this.#sessions.delete(session.id);
      onOver();
    });
    if (this.#sessions.has(session.id)) throw new ConfigurationError(`${options.localUri} is in use`);
    this.#sessions.set(session.id, session);
    return session;
  }

  find(uri: string): Session | undefined {
    return this.#sessions.get(findSessionId(uri) ?? '');
  }

  close(): void {
    for (const session of [...this.#sessions.values()]) session.close();
  }
}
