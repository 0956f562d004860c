/** `sip-push network`: the embedded SIP/IP core alone. */

import { z } from 'zod';
import { type NetworkEvent, type NetworkOptions, startNetwork, type Users } from '../../network/index.js';
import { type Command, EXIT, type Values } from '../command.js';
import { loadConfig, loadTls } from '../config/load.js';
import { validate } from '../config/validate.js';
import { ended } from './host.js';

const HELP = `Usage: sip-push network [--listen URI]… [--domain NAME] [--users FILE] [--json]

A SIP/IP core (registrar and proxy) for development: devices register, senders push through it. Runs until SIGINT or
SIGTERM. It is no core for an operator.

  --listen URI    where it listens: sip:127.0.0.1:5060;transport=udp (tcp, tls, ws, wss); may be given several
                  times. UDP and TCP on free ports of 127.0.0.1 when absent
  --domain NAME   domain.test when absent
  --users FILE    JSON: { "bob": "secret", "psa": "secret" }, user names and passwords. Absent: everybody may
                  register without a password, on loopback only. What tls and wss listeners, trusted peers and
                  application servers need goes beside the users:
                  { "users": { "bob": "secret" }, "tls": { "cert": "core.pem", "key": "core.key" },
                    "trustedPeers": ["127.0.0.1:5080"],
                    "applicationServers": { "sip:psa@domain.test": "sip:127.0.0.1:5080;transport=udp" } }
  --json          one JSON object a line on stdout: listening, registered, deregistered, message

Example
  sip-push network --listen 'sip:127.0.0.1:5060;transport=udp' --listen 'sip:127.0.0.1:5060;transport=tcp'`;

const user = z.union([
  z.string(),
  z.strictObject({ password: z.string(), identities: z.array(z.string()).optional() }),
]);
const users = z.record(z.string(), user);
const settingsFile = z.strictObject({
  users: users.optional(),
  tls: z.strictObject({ cert: z.string(), key: z.string(), ca: z.string().optional() }).optional(),
  trustedPeers: z.array(z.string()).optional(),
  applicationServers: z.record(z.string(), z.string()).optional(),
});
const anyObject = z.record(z.string(), z.unknown());

export const network: Command = {
  name: 'network',
  summary: 'an embedded SIP/IP core, for development',
  help: HELP,
  options: {
    listen: { type: 'string', multiple: true },
    domain: { type: 'string' },
    users: { type: 'string' },
    json: { type: 'boolean' },
  },
  async run(values, _positionals, io) {
    const running = await startNetwork({
      ...(await settings(values)),
      onEvent: (event) => io.out(values.json ? JSON.stringify(event) : networkLine(event)),
    });
    if (values.json) {
      io.out(JSON.stringify({ event: 'listening', uris: running.uris, domain: running.domain }));
    } else {
      io.out(`listening     ${running.uris.join(' and ')}, domain ${running.domain}`);
    }
    io.err(running.notice);
    await ended(io.signal);
    await running.close();
    return EXIT.ok;
  },
};

async function settings(values: Values): Promise<NetworkOptions> {
  const listen = (Array.isArray(values.listen) ? values.listen : []).map(String);
  return {
    ...(listen.length > 0 ? { listen } : {}),
    ...(typeof values.domain === 'string' ? { domain: values.domain } : {}),
    ...(typeof values.users === 'string' ? await fileSettings(values.users) : {}),
  };
}

async function fileSettings(file: string): Promise<NetworkOptions> {
  const { config, folder } = await loadConfig(file, anyObject);
  const wrapped = Object.keys(config).some((key) => key in settingsFile.shape);
  const { tls, trustedPeers, applicationServers, ...rest } = wrapped
    ? validate(settingsFile, config, file)
    : {
        users: validate(users, config, file),
        tls: undefined,
        trustedPeers: undefined,
        applicationServers: undefined,
      };
  const material = await loadTls(tls, folder);
  return {
    ...(rest.users ? { users: passwords(rest.users) } : {}),
    ...(material ? { tls: material } : {}),
    ...(trustedPeers ? { trustedPeers } : {}),
    ...(applicationServers ? { applicationServers } : {}),
  };
}

function passwords(entries: z.infer<typeof users>): Users {
  return Object.entries(entries).map(([username, entry]) => {
    const { password, identities } =
      typeof entry === 'string' ? { password: entry, identities: undefined } : entry;
    return { username, password, ...(identities ? { identities } : {}) };
  });
}

function networkLine(event: NetworkEvent): string {
  const time = new Date(event.time).toISOString().slice(11, 23);
  switch (event.event) {
    case 'message': {
      const what = event.method
        ? `${event.method} ${event.uri}`
        : `${event.status} ${event.reason} (${event.cseq})`;
      const who = event.users.length > 0 ? ` [${event.users.join(', ')}]` : '';
      return `${time} ${event.transport.padEnd(3)} ${event.from} → ${event.to}${who}  ${what}, ${event.bytes} bytes`;
    }
    case 'registered':
      return `${time} registered    ${event.identity} at ${event.address} for ${event.expires} s`;
    case 'deregistered':
      return `${time} deregistered  ${event.identity}: ${event.reason}`;
  }
}
