/** `sip-push host`: a device. */

import { type HostEvent, PushHost } from '../../../core/host.js';
import { type Command, EXIT, required } from '../command.js';
import { loadHostSettings } from '../config/host.js';
import { hostLine, logLine } from '../report.js';
import { TraceWriter } from '../trace-writer.js';

const HELP = `Usage: sip-push host --config FILE [--json] [--trace FILE]

A device: registers with the SIP/IP core, takes pushes, and hands each to the push application it is
addressed to. Runs until SIGINT or SIGTERM, which de-registers.

  --config FILE   configuration, JSON: "identity", "server" and "apps" are required
  --json          one JSON object a line on stdout, nothing else
  --trace FILE    every SIP message as it was on the wire, one JSON object a line

Example
  sip-push host --config bob.json

  bob.json:
  { "identity": "sip:bob@domain.test", "server": "sip:127.0.0.1:5060;transport=tcp",
    "username": "bob", "password": "secret", "trust": ["sip:psa@domain.test"], "apps": ["mms.ua"] }`;

export const host: Command = {
  name: 'host',
  summary: 'a device: receives pushes and hands them to its applications',
  help: HELP,
  options: { config: { type: 'string' }, json: { type: 'boolean' }, trace: { type: 'string' } },
  async run(values, _positionals, io) {
    const settings = await loadHostSettings(required(values, 'config', 'bob.json'), io.err);
    const trace = typeof values.trace === 'string' ? await TraceWriter.open(values.trace) : undefined;
    const print = (event: HostEvent) => {
      if (values.json) io.out(JSON.stringify(event));
      else io.out(hostLine(event));
    };
    try {
      const running = await PushHost.start({
        ...settings,
        onEvent: print,
        onLog: (record) => io.err(logLine(record)),
        ...(trace ? { onWire: trace.observe } : {}),
      });
      await ended(io.signal);
      await running.stop('signal');
    } finally {
      await trace?.close();
    }
    return EXIT.ok;
  },
};

export function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
