/** `sip-push trace`: the message ladder of a trace. */

import { stat } from 'node:fs/promises';
import { printable } from '../../../core/text.js';
import { Ladder } from '../../trace/ladder.js';
import { writePcap } from '../../trace/pcap.js';
import { readTrace } from '../../trace/read-trace.js';
import type { Command } from '../command.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push trace FILE [--pcap OUT] [--json]

What a host, a sender or a recording has on the wire, a line a message: seconds since the first, the way (→ sent,
← received), protocol, transport, the other end, the first line, and what the message is about. FILE is what
--trace of "sip-push host", "send", "sender" or "network" writes, or what "sip-push record" does.

  --pcap OUT   writes a capture instead, for Wireshark: IP, UDP and TCP headers are made up around the messages.
               What came over TLS or WebSocket stands there as if it had come over TCP, at the same ports: where
               Wireshark knows one as something else (80), "Decode As" SIP or MSRP
  --json       one JSON object a line on stdout, nothing else

Ends with 0 when all of it was read, 2 when the file is no trace or is cut short: the line is said, and what comes
before it is shown.

Example
  sip-push host --config bob.json --trace bob.trace
  sip-push trace bob.trace`;

export const trace: Command = {
  name: 'trace',
  help: HELP,
  options: { pcap: { type: 'string' }, json: { type: 'boolean' } },
  operands: true,
  async run(words, io) {
    const [file, ...more] = words.operands;
    if (file === undefined) throw new UsageError('trace lacks its file; expected e.g. trace bob.trace');
    if (more.length > 0) throw new UsageError(`trace takes one file; "${more[0]}" is another`);
    const pcap = words.text('pcap');
    const json = words.has('json');
    const entries = until(io.signal, readTrace(file));
    if (pcap !== undefined) {
      if (await isSame(file, pcap)) {
        throw new UsageError(`--pcap ${pcap} is the trace itself; expected another file, e.g. ${pcap}.pcap`);
      }
      await writePcap(pcap, entries);
      if (json) io.out(JSON.stringify({ event: 'written', file: pcap }));
      else io.err(`${pcap} is there`);
      return EXIT.ok;
    }
    const ladder = new Ladder();
    for await (const entry of entries) {
      if (json) io.out(JSON.stringify(ladder.json(entry)));
      else for (const line of ladder.lines(entry)) io.out(printable(line));
      await io.drained();
    }
    return EXIT.ok;
  },
};

/** What came before is shown, or written, whole. */
async function* until<T>(signal: AbortSignal, entries: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const entry of entries) {
    if (signal.aborted) return;
    yield entry;
  }
}

/** Whichever way they are written. */
async function isSame(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map((file) => stat(file).catch(() => undefined)));
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}
