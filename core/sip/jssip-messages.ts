/** Our answers to a REGISTER as the objects that JsSIP's registrator reads. */

import { Grammar } from 'jssip';
import { IncomingResponse } from 'jssip/lib/SIPMessage.js';

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

/** Internals of JsSIP 3.13.8's IncomingMessage that its declarations leave out. */
interface ParsedHeaders {
  headers: Record<string, { raw: string; parsed?: unknown }[]>;
  method: string;
  cseq: number;
  addHeader(name: string, value: string): void;
}

/**
 * @param cseq of the REGISTER that JsSIP composed: answering challenges has counted on since, and JsSIP
 *   drops responses to another number.
 * @param contactUser user part of our Contact, by which JsSIP finds its own binding.
 */
export function toIncomingResponse(
  answer: RegisterAnswer,
  cseq: number,
  contactUser: string,
): IncomingResponse & ParsedHeaders {
  const { status, reason, expires, minExpires } = answer;
  const incoming = Object.assign(new IncomingResponse(), {}) as IncomingResponse & ParsedHeaders;
  incoming.status_code = status;
  incoming.reason_phrase = reason;
  incoming.method = 'REGISTER';
  incoming.cseq = cseq;
  if (minExpires !== undefined) incoming.addHeader('Min-Expires', String(minExpires));
  if (expires !== undefined) {
    const contact = `<sip:${contactUser}@invalid.invalid>;expires=${expires}`;
    incoming.addHeader('Contact', contact);
    const parsed: { parsed: unknown }[] = Grammar.parse(contact, 'Contact');
    for (const added of incoming.headers.Contact ?? []) added.parsed = parsed.map((header) => header.parsed);
  }
  return incoming;
}
