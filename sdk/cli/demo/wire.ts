/** A message that the embedded core saw, as a step of the ladder on the demo's page. */

import type { NetworkEvent } from '../../network/index.js';
import type { PageEvent } from './server.js';

/**
 * @param devices addresses that have registered; in the demo the sender does not, so that whoever else speaks to the
 *   core is the sender.
 */
export function wireEvent(event: NetworkEvent, devices: Set<string>): PageEvent | undefined {
  if (event.event !== 'message') return undefined;
  const { direction, method, status, reason, cseq } = event;
  const peer = direction === 'in' ? event.from : event.to;
  if (direction === 'in' && method === 'REGISTER') devices.add(peer);
  const lane = devices.has(peer) ? 'device' : 'psa';
  return {
    kind: 'wire',
    from: direction === 'in' ? lane : 'core',
    to: direction === 'in' ? 'core' : lane,
    text:
      method === undefined ? `${status} ${reason} (${cseq.replace(/^\d+ /, '')})` : `${method} ${event.uri}`,
    response: method === undefined,
    // A challenge is no failure.
    bad: status !== undefined && status >= 400 && status !== 401 && status !== 407,
  };
}
