/** `sip-push record`: records the traffic of a device for a regression test. */

import { withoutSecrets } from '../../record/secrets.js';
import { withoutCredentials } from '../../trace/credentials.js';
import type { Command } from '../command.js';
import { runHost } from './host.js';

const HELP = `Usage: sip-push record --config FILE --out FIXTURE [--json]

Runs a device like "sip-push host", and records its SIP messages, its MSRP frames with their content (at most 8 MiB
of each frame), and its events. "sip-push replay FIXTURE" repeats the pushes and reports differences. It runs until
SIGINT or SIGTERM.

  --config FILE   configuration of a host in JSON
  --out FIXTURE   file of the recording, one JSON object per line; "sip-push trace FIXTURE" shows it
  --json          prints one JSON object per line on stdout

The recording does not contain challenges, credentials, passwords in URIs, or P-Access-Network-Info. It contains
identities and content: review it before you share it. Fetched and referenced content is not recorded.

Exit code: 0 after SIGINT or SIGTERM; 1 if it cannot run; 2 if the command or the configuration
is invalid.

Example
  sip-push record --config bob.json --out test/fixtures/rain.recording`;

/** Largest recorded part of one MSRP body, in bytes. Senders use far smaller chunks. */
const BODY_LIMIT = 8 * 1024 * 1024;

export const record: Command = {
  name: 'record',
  help: HELP,
  options: { config: { type: 'string' }, out: { type: 'string' }, json: { type: 'boolean' } },
  run: (args, io) => {
    const file = args.required('out', 'rain.recording');
    return runHost(args, io, {
      file,
      options: {
        bodyLimit: BODY_LIMIT,
        clean: (bytes) => withoutSecrets(withoutCredentials(bytes)),
        events: true,
        whole: true,
      },
    });
  },
};
