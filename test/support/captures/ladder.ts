/**
 * The messages between agents and the embedded core in the order of the core, one per line as in the figures of a
 * specification, with the bytes on the wire.
 */

import { expect } from 'vitest';
import { isRequest, type SipMessage } from '../../../core/sip/message/message.js';
import { parseMessage } from '../../../core/sip/message/parser.js';
import type { WireObserver } from '../../../core/sip/transport/flow.js';
import { hostPort } from '../../../core/sip/transport/transport-uri.js';
import type { MessageEvent, NetworkEvent } from '../../../sdk/network/events/network-events.js';
import { eventually } from '../wait.js';

/** An expected step of a flow; only the given properties are compared. */
export interface ExpectedStep {
  /** `PSA → core: MESSAGE`, `core → PRA: 200`. */
  line: string;
  /** Request-URI. */
  uri?: unknown;
  /** Header values joined by commas; undefined for an absent header. */
  headers?: Readonly<Record<string, unknown>>;
  body?: unknown;
}

interface Line {
  event: MessageEvent;
  key: string;
}

export class Ladder {
  /** Excludes retransmissions, which can occur at any time over UDP. */
  readonly #lines = new Map<string, Line>();
  readonly #wire = new Map<string, { name: string; message: SipMessage }>();

  /** Records the messages of the network. */
  readonly onEvent = (event: NetworkEvent): void => {
    // A 100 is hop by hop and depends on timing, so the figures omit it.
    if (event.event !== 'message' || event.status === 100) return;
    const { direction, transport, from, to, callId, cseq, method, status } = event;
    const end = direction === 'in' ? from : to;
    const key = [transport, end, direction, method ?? status, cseq, callId].join(' ');
    if (!this.#lines.has(key)) this.#lines.set(key, { event, key });
  };

  /** Records the messages of an agent under this name. */
  end(name: string): WireObserver {
    return (direction, bytes, { transport, local }) => {
      const message = parseMessage(bytes);
      const what = isRequest(message) ? message.method : message.status;
      const at = hostPort(local.host, local.port);
      const cseq = message.headers.get('CSeq');
      const callId = message.headers.get('Call-ID');
      const key = [transport, at, direction === 'out' ? 'in' : 'out', what, cseq, callId].join(' ');
      if (!this.#wire.has(key)) this.#wire.set(key, { name, message });
    };
  }

  /** Expects exactly these messages in transactions of these methods. */
  async expectSteps(methods: readonly string[], expected: readonly ExpectedStep[]): Promise<SipMessage[]> {
    const steps = await eventually(`${expected.length} messages; there were ${this.#text(methods)}`, () => {
      const found = this.#steps(methods);
      return found.length >= expected.length ? found : undefined;
    });
    expect(steps.map(({ line }) => line)).toEqual(expected.map(({ line }) => line));
    for (const [index, { line, headers = {}, ...others }] of expected.entries()) {
      const message = steps[index]?.message;
      if (!message) throw new Error(`${line}: missing message`);
      const actual = {
        uri: 'uri' in others && isRequest(message) ? message.uri : undefined,
        body: 'body' in others ? new TextDecoder().decode(message.body) : undefined,
        headers: Object.fromEntries(Object.keys(headers).map((name) => [name, headerOf(message, name)])),
      };
      expect(actual, `step ${index + 1}, ${line}`).toEqual({ ...others, headers });
    }
    return steps.map(({ message }) => message);
  }

  /** Messages that both the core and the agent recorded. */
  #steps(methods: readonly string[]): { line: string; message: SipMessage }[] {
    return [...this.#lines.values()].flatMap(({ event, key }) => {
      const { direction, cseq, method, status } = event;
      const known = this.#wire.get(key);
      if (!known || !methods.includes(cseq.split(' ')[1] ?? '')) return [];
      const way = direction === 'in' ? `${known.name} → core` : `core → ${known.name}`;
      return [{ line: `${way}: ${method ?? status}`, message: known.message }];
    });
  }

  #text(methods: readonly string[]): string {
    return this.#steps(methods)
      .map(({ line }) => line)
      .join('; ');
  }
}

function headerOf({ headers }: SipMessage, name: string): string | undefined {
  return headers.has(name) ? headers.getAll(name).join(', ') : undefined;
}
