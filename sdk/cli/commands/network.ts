/** `sip-push network`: runs the embedded SIP/IP core. */

import { loadNetworkSettings } from '../../config/network.js';
import { type NetworkOptions, startNetwork } from '../../network/index.js';
import { TraceWriter } from '../../trace/trace-writer.js';
import type { Command } from '../command.js';
import { untilAborted } from '../io-streams.js';
import { networkLine } from '../report.js';
import { EXIT } from '../usage.js';

const HELP = `Usage: sip-push network [--listen URI]… [--domain NAME] [--users FILE] [--digest LIST] [--json] [--trace FILE]

Runs a SIP/IP core (registrar and proxy) for development: devices register, and senders push through it. It runs until
SIGINT or SIGTERM. Do not use it in production.

  --listen URI    address to listen on, e.g. sip:127.0.0.1:5060;transport=udp (or tcp, tls, ws, wss); can be repeated.
                  Default: UDP and TCP on free ports of 127.0.0.1
  --domain NAME   domain; default: domain.test
  --users FILE    user names and passwords in JSON, { "bob": "secret", "psa": "secret" }. By default every user can
                  register without a password, on loopback only. The file also configures TLS, trusted peers and
                  application servers:
                  { "users": { "bob": "secret" }, "tls": { "cert": "core.pem", "key": "core.key" },
                    "trustedPeers": ["127.0.0.1:5080"],
                    "applicationServers": { "sip:psa@domain.test": "sip:127.0.0.1:5080;transport=udp" },
                    "thirdPartyRegistration": ["sip:psa@domain.test"], "watchers": ["sip:psa2@domain.test"] }
  --digest LIST   digest algorithms in the order of the challenges: sha-512-256, sha-256, md5; default: sha-256,md5.
                  Clients that read only the first challenge need md5,sha-256; others md5
  --json          prints one JSON object per line on stdout: listening, registered, deregistered, message
  --trace FILE    writes every SIP message for "sip-push trace FILE"

Exit code: 0 after SIGINT or SIGTERM; 1 if a port is not available; 2 if the command or the file is invalid.

Example
  sip-push network --listen 'sip:127.0.0.1:5060;transport=udp' --listen 'sip:127.0.0.1:5060;transport=tcp'`;

export const network: Command = {
  name: 'network',
  help: HELP,
  options: {
    listen: { type: 'string', multiple: true },
    domain: { type: 'string' },
    users: { type: 'string' },
    digest: { type: 'string' },
    json: { type: 'boolean' },
    trace: { type: 'string' },
  },
  async run(args, io) {
    const json = args.has('json');
    const listen = args.list('listen');
    const domain = args.text('domain');
    const users = args.text('users');
    const settings = users === undefined ? {} : await loadNetworkSettings(users);
    // The network checks the names.
    const digest = args.text('digest')?.toLowerCase().split(',') as NetworkOptions['digest'];
    const file = args.text('trace');
    const trace = file === undefined ? undefined : await TraceWriter.open(file);
    try {
      const running = await startNetwork({
        listen: listen.length > 0 ? listen : undefined,
        domain,
        digest,
        ...settings,
        onEvent: (event) => io.out(json ? JSON.stringify(event) : networkLine(event)),
        // MSRP does not pass through the core.
        onWire: trace === undefined ? undefined : trace.taps.onWire,
      });
      const { uris } = running;
      io.out(
        json
          ? JSON.stringify({ event: 'listening', uris, domain: running.domain })
          : `listening     ${uris.join(' and ')}, domain ${running.domain}`,
      );
      io.err(running.notice);
      await untilAborted(io);
      await running.close();
    } finally {
      await trace?.close();
    }
    return EXIT.ok;
  },
};
