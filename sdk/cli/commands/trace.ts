/** `sip-push trace`: shows the message ladder of a trace. */

import { stat } from 'node:fs/promises';
import { printable } from '../../../core/text.js';
import { Ladder } from '../../trace/ladder.js';
import { writePcap } from '../../trace/pcap.js';
import { readTrace } from '../../trace/read-trace.js';
import type { Command } from '../command.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push trace FILE [--pcap OUT] [--json]

Shows a trace, one line per message: seconds since the first message, direction (→ sent, ← received), protocol,
transport, peer, start line and important headers. FILE is written by --trace of "sip-push host", "send", "sender" or
"network", or by "sip-push record".

  --pcap OUT   writes a capture for Wireshark instead, with generated IP, UDP and TCP headers. Messages over TLS or
               WebSocket appear as messages over TCP at the same ports. If Wireshark expects another protocol at a
               port (80), select "Decode As" SIP or MSRP
  --json       prints one JSON object per line on stdout

Exit code: 0 if the whole file was read; 2 if the file is invalid or truncated: the lines before the invalid one are
printed.

Example
  sip-push host --config bob.json --trace bob.trace
  sip-push trace bob.trace`;

export const trace: Command = {
  name: 'trace',
  help: HELP,
  options: { pcap: { type: 'string' }, json: { type: 'boolean' } },
  operands: true,
  async run(args, io) {
    const [file, ...more] = args.operands;
    if (file === undefined) throw new UsageError('missing FILE: expected e.g. sip-push trace bob.trace');
    if (more.length > 0) throw new UsageError(`unexpected argument "${more[0]}": expected one FILE`);
    const pcap = args.text('pcap');
    const json = args.has('json');
    const entries = until(io.signal, readTrace(file));
    if (pcap !== undefined) {
      if (await isSame(file, pcap)) {
        throw new UsageError(
          `invalid --pcap "${pcap}": expected a file other than the trace, e.g. ${pcap}.pcap`,
        );
      }
      await writePcap(pcap, entries);
      if (json) io.out(JSON.stringify({ event: 'written', file: pcap }));
      else io.err(`written to ${pcap}`);
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

/** Ends after the current entry when the signal is aborted. */
async function* until<T>(signal: AbortSignal, entries: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const entry of entries) {
    if (signal.aborted) return;
    yield entry;
  }
}

/** Whether two paths name the same file. */
async function isSame(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map((file) => stat(file).catch(() => undefined)));
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}
