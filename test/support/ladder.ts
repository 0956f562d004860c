/**
 * The messages between agents and the embedded core, in the order in which the core had them: a line each, as in the
 * figures of a specification, with what was on the wire.
 */

import { expect } from 'vitest';
import { isRequest, type SipMessage } from '../../core/sip/message/message.js';
import type { WireObserver } from '../../core/sip/transport/flow.js';
import { hostPort } from '../../core/sip/transport/transport-uri.js';
import { parseMessage } from '../../core/sip/wire/parser.js';
import type { MessageEvent, NetworkEvent } from '../../sdk/network/events/network-events.js';
import { eventually } from './wait.js';

/** What a step of a flow is to be; only what is named is looked at. */
export interface ExpectedStep {
  /** `PSA → core: MESSAGE`, `core → PRA: 200`. */
  line: string;
  /** Request-URI. */
  uri?: unknown;
  /** Values joined by commas; undefined: there is no such header. */
  headers?: Readonly<Record<string, unknown>>;
  body?: unknown;
}

interface Line {
  event: MessageEvent;
  key: string;
}

export class Ladder {
  /** Without what was sent again: over UDP anything may be. */
  readonly #lines = new Map<string, Line>();
  readonly #wire = new Map<string, { name: string; message: SipMessage }>();

  /** Of the network. */
  readonly onEvent = (event: NetworkEvent): void => {
    // A 100 goes one hop, over UDP or slow ways: it is in no figure.
    if (event.event !== 'message' || event.status === 100) return;
    const { direction, transport, from, to, callId, cseq, method, status } = event;
    const end = direction === 'in' ? from : to;
    const key = [transport, end, direction, method ?? status, cseq, callId].join(' ');
    if (!this.#lines.has(key)) this.#lines.set(key, { event, key });
  };

  /** Of an agent, which the ladder calls by this name. */
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

  /** Messages of transactions of these methods, as many as are expected, and each as it is expected. */
  async plays(methods: readonly string[], expected: readonly ExpectedStep[]): Promise<SipMessage[]> {
    const steps = await eventually(`${expected.length} messages; there were ${this.#text(methods)}`, () => {
      const found = this.#steps(methods);
      return found.length >= expected.length ? found : undefined;
    });
    expect(steps.map(({ line }) => line)).toEqual(expected.map(({ line }) => line));
    for (const [index, { line, headers = {}, ...others }] of expected.entries()) {
      const message = steps[index]?.message;
      if (!message) throw new Error(`${line}: not there`);
      const actual = {
        ...('uri' in others ? { uri: isRequest(message) ? message.uri : undefined } : {}),
        ...('body' in others ? { body: new TextDecoder().decode(message.body) } : {}),
        headers: Object.fromEntries(Object.keys(headers).map((name) => [name, headerOf(message, name)])),
      };
      expect(actual, `step ${index + 1}, ${line}`).toEqual({ ...others, headers });
    }
    return steps.map(({ message }) => message);
  }

  /** Those that both the core and the agent have had. */
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
