/** `sip-push host`: runs a device. */

import { createPushReceiver } from '../../../core/host.js';
import type { LogSink } from '../../../core/log.js';
import { unlessAborted } from '../../../core/time/abort-signal.js';
import { loadHostSettings } from '../../config/host.js';
import { type TraceOptions, TraceWriter } from '../../trace/trace-writer.js';
import { captureOutput } from '../captured-output.js';
import type { Arguments, Command } from '../command.js';
import { answerLines } from '../host-console.js';
import { type IoStreams, setPrivateUmask, unlessEnded, untilAborted, withTimestamps } from '../io-streams.js';
import { answerPrinter, hostPrinter, logPrinter, waitingRecords } from '../report.js';
import { logUncaughtErrors } from '../uncaught-errors.js';
import { EXIT } from '../usage.js';

const HELP = `Usage: sip-push host --config FILE [--json] [--trace FILE] [--console]

Runs a device: it registers with the SIP/IP core, receives pushes, and delivers each to the addressed push
application. It runs until SIGINT or SIGTERM, and de-registers then. A second signal ends it at once.

  --config FILE   configuration in JSON: "identity", "server" and "apps" are required
  --json          prints one JSON object per line on stdout
  --trace FILE    writes every SIP message as on the wire, and every MSRP frame with the first 1024 bytes of its body,
                  one JSON object per line; "sip-push trace FILE" shows them. HTTP is not traced. The trace
                  contains digest responses, from which a weak password can be guessed. Only the owner can read it.
                  The next run continues it. At 128 MiB it becomes FILE.1, and a new FILE begins
  --console       reads commands from stdin, one per line, and prints an answer to each (event "answer"):
                    mms.ua messages                            sends a query to an application (see its README)
                    mms.ua retrieve {"transactionId":"T1"}     sends a query with arguments in JSON
                    dead-letters                               lists the pushes that were not accepted
                    redeliver ID                               redelivers a dead letter to its application
                    drop ID                                    deletes a dead letter
                    help                                       lists the commands and the applications
                  The first characters of an ID are sufficient if no other dead letter begins with them.
                  The host continues after the end of stdin

Exit code: 0 after SIGINT or SIGTERM, also during the start; 1 if it cannot run, because the folder of "data" or a port
is not available; 2 if the command or the configuration is invalid.

Example
  sip-push host --config bob.json

  bob.json:
  { "identity": "sip:bob@domain.test", "server": "sip:127.0.0.1:5060;transport=tcp",
    "username": "bob", "password": "secret", "trust": ["sip:psa@domain.test"], "apps": ["mms.ua"] }`;

export const host: Command = {
  name: 'host',
  help: HELP,
  options: {
    config: { type: 'string' },
    json: { type: 'boolean' },
    trace: { type: 'string' },
    console: { type: 'boolean' },
  },
  async run(args, streams) {
    const file = args.text('trace');
    return await runHost(args, streams, file === undefined ? undefined : { file });
  },
};

/** @param traced file and options of a trace. */
export async function runHost(
  args: Arguments,
  streams: IoStreams,
  traced?: { file: string; options?: TraceOptions },
): Promise<number> {
  setPrivateUmask();
  // Stack traces then refer to the sources of applications, not to the compiled code.
  process.setSourceMapsEnabled(true);
  // JSON events contain their time.
  const io = args.has('json') ? streams : withTimestamps(streams);
  const log = logPrinter(io);
  const release = captureOutput(log);
  try {
    return await runSettings(args, io, log, traced);
  } finally {
    release();
  }
}

async function runSettings(
  args: Arguments,
  io: IoStreams,
  log: LogSink,
  traced?: { file: string; options?: TraceOptions },
): Promise<number> {
  const json = args.has('json');
  const loading = loadHostSettings(args.required('config', 'bob.json'), (message) =>
    log({ level: 'warn', message }),
  );
  const settings = await unlessEnded(io, unlessAborted(loading, io.signal));
  if (!settings) return EXIT.ok;
  const trace = traced && (await TraceWriter.open(traced.file, { onProblem: io.err, ...traced.options }));
  const unlisten = logUncaughtErrors(io);
  const print = hostPrinter(io, json);
  try {
    const starting = createPushReceiver({
      ...settings,
      signal: io.signal,
      onEvent: (event) => {
        print(event);
        trace?.event(event);
      },
      onLog: log,
      ...trace?.taps,
    });
    const running = await unlessEnded(io, starting);
    if (!running) {
      print({ event: 'stopped', reason: 'signal' });
      return EXIT.ok;
    }
    for (const record of waitingRecords(running.runtime.waitingPushes())) log(record);
    const stopConsole = args.has('console')
      ? answerLines(io.input, running, answerPrinter(io, json))
      : () => {};
    await untilAborted(io);
    stopConsole();
    await running.stop('signal');
  } finally {
    await trace?.close();
    unlisten();
  }
  return EXIT.ok;
}
