/** Our messages as the objects that JsSIP's registrator reads. */

import { Grammar } from 'jssip';
import { IncomingResponse } from 'jssip/lib/SIPMessage.js';
import type { SipResponse } from './message.js';

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
 */
export function toIncomingResponse(response: SipResponse, cseq: number): IncomingResponse & ParsedHeaders {
  const incoming = Object.assign(new IncomingResponse(), {}) as IncomingResponse & ParsedHeaders;
  incoming.status_code = response.status;
  incoming.reason_phrase = response.reason;
  incoming.method = 'REGISTER';
  incoming.cseq = cseq;
  for (const name of ['Expires', 'Min-Expires'] as const) {
    const value = response.headers.get(name);
    if (value !== undefined) incoming.addHeader(name, value);
  }
  for (const contact of response.headers.getAll('Contact')) {
    const parsed: unknown = Grammar.parse(contact, 'Contact');
    // A contact JsSIP's grammar does not know (tel:, say) is not ours.
    if (parsed === -1 || !Array.isArray(parsed)) continue;
    incoming.addHeader('Contact', contact);
    const contacts = incoming.headers.Contact;
    const added = contacts?.[contacts.length - 1];
    if (added) added.parsed = parsed.map((header: { parsed: unknown }) => header.parsed);
  }
  return incoming;
}
