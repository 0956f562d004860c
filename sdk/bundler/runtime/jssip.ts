/**
 * What JsSIP's registrator and transport ask of JsSIP's other modules: here without a grammar, messages, transactions,
 * digest and logs, for which `core/sip` has its own. A REGISTER that the registrator composes is read by
 * `JsSipUserAgent`, and never written.
 */

const RANDOM_BASE = 32;

// Of Constants.js.
export const REGISTER = 'REGISTER';
export const CONNECTION_RECOVERY_MIN_INTERVAL = 2;
export const CONNECTION_RECOVERY_MAX_INTERVAL = 30;
/** Why a registration failed: nobody reads it. */
export const causes = {};

// Of Utils.js.
export function createRandomToken(size: number): string {
  return Array.from({ length: size }, () =>
    Math.floor(Math.random() * RANDOM_BASE).toString(RANDOM_BASE),
  ).join('');
}
export function newTag(): string {
  return createRandomToken(10);
}
export function cloneArray<T>(array: readonly T[]): T[] {
  return [...array];
}
export function sipErrorCause(): undefined {}

/** Of Socket.js: they are `ServerSocket`, of URIs that were read before. */
export function isSocket(): true {
  return true;
}

/** Of SIPMessage.js. */
export class OutgoingRequest {
  readonly call_id: string;
  readonly cseq: number;
  readonly from: { getParam(name: string): string };
  readonly #headers: readonly string[];

  constructor(
    readonly method: string,
    _registrar: unknown,
    _ua: unknown,
    { call_id, cseq, from_tag = newTag() }: { call_id: string; cseq: number; from_tag?: string },
    headers: readonly string[],
  ) {
    this.call_id = call_id;
    this.cseq = cseq;
    // The tag is the one parameter of a From.
    this.from = { getParam: () => from_tag };
    this.#headers = headers;
  }

  getHeader(name: string): string | undefined {
    const start = `${name}: `;
    return this.#headers.find((header) => header.toLowerCase().startsWith(start))?.slice(start.length);
  }
}

/** Of RequestSender.js, and of Transactions.js: `newTransaction` gives it the `send` that the registrator calls next. */
export class RequestSender {
  declare readonly send: () => void;

  constructor(
    ua: { newTransaction(transaction: unknown): void },
    readonly request: OutgoingRequest,
    readonly eventHandlers: unknown,
  ) {
    ua.newTransaction(this);
  }
}
