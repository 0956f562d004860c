/** A trace as a ladder: one line for each message, in columns. */

import { PUSH_FEATURE_TAG } from '../../core/app/contract/event-app-id.js';
import type { TracedEvent, TracedMessage } from './read-trace.js';
import { type Step, stepOf } from './step.js';

/** Width of the column of the start line. A longer start line moves the rest of its line to the right. */
const LINE_WIDTH = 40;
const LONGEST_VALUE = 100;

/** Formats messages and events. Times are relative to the first one. */
export class Ladder {
  #first: number | undefined;

  /** The line of an entry, after a line about entries that are missing before it. */
  lines(entry: TracedMessage | TracedEvent): string[] {
    const at = this.#at(entry.time);
    const gap = entry.leftOut === undefined ? [] : [`            (${entry.leftOut} lines are missing)`];
    if ('event' in entry) return [...gap, `${seconds(at)}     event  ${JSON.stringify(entry.event)}`];
    const { direction, transport, protocol, remote } = entry;
    const step = stepOf(entry);
    const where = `${remote.host}:${remote.port}`.padEnd(21);
    const line = `${direction === 'out' ? '→' : '←'} ${protocol.padEnd(4)} ${transport.padEnd(3)} ${where}  ${step.line.padEnd(LINE_WIDTH)}`;
    return [...gap, `${seconds(at)}  ${line}  ${notes(step)}`.trimEnd()];
  }

  json({ time, ...entry }: TracedMessage | TracedEvent): object {
    const common = {
      time: new Date(time).toISOString(),
      milliseconds: this.#at(time),
      leftOut: entry.leftOut,
    };
    if ('event' in entry) return { event: 'host-event', ...common, hostEvent: entry.event };
    const { direction, transport, protocol, local, remote, bytes } = entry;
    const step = stepOf({ ...entry, time });
    const where = { direction, protocol, transport, local, remote };
    return { event: 'message', ...common, ...where, ...step, bytes: bytes.length };
  }

  #at(time: number): number {
    this.#first ??= time;
    return time - this.#first;
  }
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3).padStart(10);
}

/** The headers of a message, the most important first. */
function notes({ headers, bodyBytes }: Step): string {
  const { [PUSH_FEATURE_TAG]: apps, CSeq: cseq, 'Content-Type': type, ...others } = headers;
  // These values are identifiers and long lists, which do not help a reader.
  const { 'Message-ID': _message, 'Call-ID': call, 'To-Path': _path, Accept: _accept, ...more } = others;
  return [
    ...(cseq === undefined ? [] : [cseq]),
    ...(apps === undefined ? [] : [`for ${apps}`]),
    ...(bodyBytes > 0 ? [`${type ?? 'body'} ${bodyBytes} bytes`] : []),
    ...Object.entries(more).map(([name, value]) => `${name}: ${value}`),
    ...(call === undefined ? [] : [`[${call.slice(0, 8)}]`]),
  ]
    .map((note) => (note.length > LONGEST_VALUE ? `${note.slice(0, LONGEST_VALUE)}…` : note))
    .join(', ');
}
