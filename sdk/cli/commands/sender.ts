/** `sip-push sender`: a long-running Push Sender Agent. */

import { randomBytes } from 'node:crypto';
import type { RemovedPublication } from '../../../core/sender/publications.js';
import type { Receipt } from '../../../core/sender/push-request.js';
import type { DirectoryChange } from '../../../core/sender/terminals/directory.js';
import { createPushSender, type PushSenderHostOptions } from '../../../core/sender-host.js';
import { printable } from '../../../core/text.js';
import { loadSenderHostSettings } from '../../config/sender.js';
import { terminalJson } from '../../http-api/json-mapping.js';
import { PushEvents } from '../../http-api/push-events.js';
import { openHttpApi } from '../../http-api/server.js';
import { VERSION } from '../../manifest/this-package.js';
import { TraceWriter } from '../../trace/trace-writer.js';
import type { Command } from '../command.js';
import { type IoStreams, setPrivateUmask, untilAborted, withTimestamps } from '../io-streams.js';
import { logPrinter, receiptLine } from '../report.js';
import { EXIT } from '../usage.js';

const HELP = `Usage: sip-push sender --config FILE [--json] [--trace FILE]

Runs a Push Sender Agent: it keeps a directory of terminals, accepts pushes over a local HTTP API, and continues with
waiting pushes after a restart. It runs until SIGINT or SIGTERM.

  --config FILE   configuration in JSON: "identity" and "server" are required
  --json          prints one JSON object per line on stdout
  --trace FILE    writes the messages on the wire for "sip-push trace FILE"; the next run continues it. At 128 MiB it
                  becomes FILE.1, and a new FILE begins

The API: POST /contents, POST /pushes, GET and DELETE /pushes/{id}, GET /pushes/{id}/receipts (server-sent events),
GET /terminals; GET /openapi.json describes it. Clients authenticate with "Authorization: Bearer KEY", where KEY is
"api.key" of the configuration or, without one, printed at the start. "sip-push send --via URL" is a client.

Exit code: 0 after SIGINT or SIGTERM, also during the start; 1 if it cannot run, because the folder of "data" or a port
is not available; 2 if the command or the configuration is invalid.

Example
  sip-push sender --config psa.json
  sip-push send --via http://127.0.0.1:8642 --to sip:bob@domain.test --app wml.ua --type text/vnd.wap.si \\
    --ttl 3600 si.xml

  psa.json: { "identity": "sip:psa@domain.test", "server": "sip:127.0.0.1:5060;transport=tcp",
              "username": "psa", "password": "secret", "watch": ["sip:bob@domain.test"],
              "data": "./sender-data", "api": { "port": 8642, "key": "at-least-16-characters" } }`;

export const sender: Command = {
  name: 'sender',
  help: HELP,
  options: { config: { type: 'string' }, json: { type: 'boolean' }, trace: { type: 'string' } },
  async run(args, streams) {
    setPrivateUmask();
    const json = args.has('json');
    const io = json ? streams : withTimestamps(streams);
    const { host: options, api } = await loadSenderHostSettings(args.required('config', 'psa.json'));
    const key = api.key ?? randomBytes(24).toString('base64url');
    const events = new PushEvents();
    const print = printer(io, json);
    const traceFile = args.text('trace');
    // Opened before the registration, so that the sender does not register if the port is in use.
    const server = await openHttpApi(api);
    try {
      const trace =
        traceFile === undefined ? undefined : await TraceWriter.open(traceFile, { onProblem: io.err });
      const host = await createPushSender({ ...options, ...handlers(print, events, io), ...trace?.taps });
      const unsubscribe = host.agent.directory.onChange((change) => print.terminal(change));
      try {
        server.serve({
          outbox: host.outbox,
          events,
          directory: host.agent.directory,
          key,
          maxContent: api.maxSize,
          version: VERSION,
        });
        print.listening(server.url);
        if (api.key === undefined) io.err(`no "api.key" in the configuration: the key of this run is ${key}`);
        await untilAborted(io);
        // Waits for requests in progress.
        await server.close();
      } finally {
        unsubscribe();
        await host.stop();
        await trace?.close();
      }
    } catch (error) {
      await server.close();
      throw error;
    }
    print.stopped();
    return EXIT.ok;
  },
};

/** Prints the events of the sender. */
interface Printer {
  listening(url: string): void;
  registered(expires: number): void;
  terminal(change: DirectoryChange): void;
  receipt(push: string, receipt: Receipt): void;
  /** Published content was removed before it was retrieved. */
  unpublished(removed: RemovedPublication): void;
  stopped(): void;
}

function printer(io: IoStreams, json: boolean): Printer {
  const print = (event: Record<string, unknown>, line: string) =>
    io.out(json ? JSON.stringify(event) : printable(line));
  return {
    listening: (url) =>
      print({ event: 'listening', url }, `listening     ${url} (GET /openapi.json describes it)`),
    registered: (expires) => print({ event: 'registered', expires }, `registered    for ${expires} s`),
    terminal({ terminal, previous }) {
      const { user, gruu, contact, apps, registered } = terminal;
      // Unchanged terminals are not printed.
      if (previous?.registered === registered && `${previous.apps}` === `${apps}` && previous.gruu === gruu)
        return;
      const what = apps === undefined ? '' : ` with ${apps.join(', ') || 'no application'}`;
      print(
        { event: 'terminal', ...terminalJson(terminal) },
        `${registered ? 'registered  ' : 'unregistered'}  ${gruu ?? contact ?? user}${what}`,
      );
    },
    receipt: (push, receipt) =>
      print({ event: 'receipt', push, ...receipt }, `${push.slice(0, 12)}  ${receiptLine(receipt)}`),
    unpublished: ({ name, expiration }) =>
      print(
        { event: 'unpublished', name, expiration: new Date(expiration).toISOString() },
        `unpublished   ${name}: "publish" is at its limit, and the content was not retrieved`,
      ),
    stopped: () => print({ event: 'stopped', reason: 'signal' }, 'stopped       signal'),
  };
}

function handlers(print: Printer, events: PushEvents, io: IoStreams): Partial<PushSenderHostOptions> {
  /** Number of receipts already printed, by push id. */
  const printed = new Map<string, number>();
  return {
    onRegistered: ({ expires }) => print.registered(expires),
    onRegistrationFailed: ({ status, reason }) =>
      io.err(printable(`registration  failed: ${status ?? 'no answer'} ${reason}`)),
    onConnected: (server) => io.err(`connected     ${server}`),
    onDisconnected: (server, error) => io.err(printable(`disconnected  ${server}: ${error.message}`)),
    onUnpublished: (removed) => print.unpublished(removed),
    onLog: logPrinter(io),
    onPush(push) {
      const { id, receipts, state } = push;
      for (const receipt of receipts.slice(printed.get(id) ?? 0)) print.receipt(id, receipt);
      if (state === 'waiting') printed.set(id, receipts.length);
      else printed.delete(id);
      events.emit(push);
    },
  };
}
