/** Our answers to a REGISTER as the objects that JsSIP's registrator reads. */

/**
 * How a REGISTER ended, as far as JsSIP has to know: it makes timers of what it reads, and reads other people's
 * Contacts with a grammar that some of them break.
 */
export interface RegisterAnswer {
  status: number;
  reason: string;
  /** Of a 2xx: whole seconds for which our Contact is registered; absent where it is not. */
  expires?: number;
  /** Of a 423: whole seconds to ask for at once. */
  minExpires?: number;
}

/** What JsSIP 3.13.8's Registrator.js and RequestSender.js ask of an IncomingResponse. */
export class RegisterResponse {
  readonly status_code: number;
  readonly headers: { Contact?: { parsed: unknown[] }[] };
  readonly #values = new Map<string, string>();

  /**
   * @param cseq of the REGISTER that JsSIP composed: answering challenges has counted on since, and JsSIP
   *   drops responses to another number.
   * @param contactUser user part of our Contact, by which JsSIP finds its own binding.
   */
  constructor(
    { status, expires, minExpires }: RegisterAnswer,
    readonly cseq: number,
    contactUser: string,
  ) {
    this.status_code = status;
    this.headers = expires === undefined ? {} : { Contact: [{ parsed: [contactOf(contactUser, expires)] }] };
    if (expires !== undefined) this.#values.set('contact', contactUser);
    if (minExpires !== undefined) this.#values.set('min-expires', String(minExpires));
  }

  hasHeader(name: string): boolean {
    return this.getHeader(name) !== undefined;
  }

  getHeader(name: string): string | undefined {
    return this.#values.get(name.toLowerCase());
  }
}

/** As JsSIP's NameAddrHeader. */
function contactOf(user: string, expires: number) {
  return {
    uri: { user },
    getParam: (name: string) => (name === 'expires' ? String(expires) : undefined),
    hasParam: (name: string) => name === 'expires',
  };
}
