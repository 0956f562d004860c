/** `sip-push network`: the embedded SIP/IP core alone. */

import { loadNetworkSettings } from '../../config/network.js';
import { startNetwork } from '../../network/index.js';
import { TraceWriter } from '../../trace/trace-writer.js';
import type { Command } from '../command.js';
import { ended } from '../io.js';
import { networkLine } from '../report.js';
import { EXIT } from '../usage.js';

const HELP = `Usage: sip-push network [--listen URI]… [--domain NAME] [--users FILE] [--json] [--trace FILE]

A SIP/IP core (registrar and proxy) for development: devices register, senders push through it. Runs until SIGINT or
SIGTERM. It is not a core for production.

  --listen URI    where it listens: sip:127.0.0.1:5060;transport=udp (tcp, tls, ws, wss); may be given several
                  times. UDP and TCP on free ports of 127.0.0.1 when absent
  --domain NAME   domain.test when absent
  --users FILE    JSON: { "bob": "secret", "psa": "secret" }, user names and passwords. Absent: everybody may
                  register without a password, on loopback only. What tls and wss listeners, trusted peers and
                  application servers need goes beside the users:
                  { "users": { "bob": "secret" }, "tls": { "cert": "core.pem", "key": "core.key" },
                    "trustedPeers": ["127.0.0.1:5080"],
                    "applicationServers": { "sip:psa@domain.test": "sip:127.0.0.1:5080;transport=udp" },
                    "thirdPartyRegistration": ["sip:psa@domain.test"], "watchers": ["sip:psa2@domain.test"] }
  --json          one JSON object a line on stdout: listening, registered, deregistered, message
  --trace FILE    every SIP message that comes and goes, for "sip-push trace FILE"

Ends with 0 when told to, 1 when a port cannot be had, 2 when the command or the file is wrong.

Example
  sip-push network --listen 'sip:127.0.0.1:5060;transport=udp' --listen 'sip:127.0.0.1:5060;transport=tcp'`;

export const network: Command = {
  name: 'network',
  help: HELP,
  options: {
    listen: { type: 'string', multiple: true },
    domain: { type: 'string' },
    users: { type: 'string' },
    json: { type: 'boolean' },
    trace: { type: 'string' },
  },
  async run(words, io) {
    const json = words.has('json');
    const listen = words.list('listen');
    const domain = words.text('domain');
    const users = words.text('users');
    const settings = users === undefined ? {} : await loadNetworkSettings(users);
    const file = words.text('trace');
    const trace = file === undefined ? undefined : await TraceWriter.open(file);
    try {
      const running = await startNetwork({
        ...(listen.length > 0 ? { listen } : {}),
        domain,
        ...settings,
        onEvent: (event) => io.out(json ? JSON.stringify(event) : networkLine(event)),
        // Media do not come through here.
        onWire: trace === undefined ? undefined : trace.taps.onWire,
      });
      const { uris } = running;
      io.out(
        json
          ? JSON.stringify({ event: 'listening', uris, domain: running.domain })
          : `listening     ${uris.join(' and ')}, domain ${running.domain}`,
      );
      io.err(running.notice);
      await ended(io);
      await running.close();
    } finally {
      await trace?.close();
    }
    return EXIT.ok;
  },
};
