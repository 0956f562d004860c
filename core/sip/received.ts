/** `received` and `rport` on the top Via of an incoming request (RFC 3261 18.2.1, RFC 3581 4). */

import type { Address } from '../platform/platform.js';
import type { SipRequest } from './message.js';
import { Via } from './via.js';

export function noteSource({ headers }: SipRequest, source: Address): void {
  const via = Via.parse(headers.get('Via') ?? '');
  if (!via) return;
  const { parameters } = via;
  const asked = parameters.has('rport');
  const host = via.host.replace(/^\[(.*)\]$/, '$1');
  if (!asked && !parameters.has('received') && host === source.host) return;
  // Whatever the client wrote there itself.
  parameters.delete('received');
  if (asked || host !== source.host) parameters.setRaw('received', source.host);
  if (asked) parameters.setRaw('rport', String(source.port));
  headers.removeFirst('Via');
  headers.prepend('Via', via.toString());
}
