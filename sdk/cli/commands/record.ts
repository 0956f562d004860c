/** `sip-push record`: a device whose traffic becomes a regression test. */

import { withoutSecrets } from '../../record/secrets.js';
import type { Command } from '../command.js';
import { runHost } from './host.js';

const HELP = `Usage: sip-push record --config FILE --out FIXTURE [--json]

A device, as "sip-push host" is one, that writes down what comes to it: SIP messages, MSRP frames with their content
(of more than 8 MiB in one frame the rest is left out), and what it tells of them. "sip-push replay FIXTURE" pushes
all that again, and says what is different. Runs until SIGINT or SIGTERM.

  --config FILE   configuration of a host, JSON
  --out FIXTURE   a file, one JSON object a line; "sip-push trace FIXTURE" shows it
  --json          one JSON object a line on stdout, nothing else

Challenges, what answers them, passwords in URIs, and P-Access-Network-Info are not in it. Identities and content are:
look at them before you give the file to others. What applications fetch, and what references point at, is not
recorded.

Ends as "sip-push host" does: with 0 when told to, 1 when it cannot run, 2 when the command or the configuration is
wrong.

Example
  sip-push record --config bob.json --out test/fixtures/rain.recording`;

/** Bytes of one MSRP body: senders cut theirs into chunks that are far smaller. */
const BODY_LIMIT = 8 * 1024 * 1024;

export const record: Command = {
  name: 'record',
  help: HELP,
  options: { config: { type: 'string' }, out: { type: 'string' }, json: { type: 'boolean' } },
  run: (words, io) => {
    const file = words.required('out', 'rain.recording');
    return runHost(words, io, {
      file,
      options: { bodyLimit: BODY_LIMIT, clean: withoutSecrets, events: true },
    });
  },
};
