/** `sip-push host`: a device. */

import { createPushReceiver } from '../../../core/host.js';
import { unlessAborted } from '../../../core/time/deadline.js';
import { loadHostSettings } from '../../config/host.js';
import { type TraceOptions, TraceWriter } from '../../trace/trace-writer.js';
import type { Command, Words } from '../command.js';
import { answerLines } from '../host-console.js';
import { ended, type Io, keepPrivate, timed, unlessEnded } from '../io.js';
import { answerPrinter, hostPrinter, logPrinter, waitingRecords } from '../report.js';
import { logUncaughtErrors } from '../stray-errors.js';
import { EXIT } from '../usage.js';

const HELP = `Usage: sip-push host --config FILE [--json] [--trace FILE] [--console]

Runs a device: it registers with the SIP/IP core, receives pushes, and delivers each to the addressed push
application. It runs until SIGINT or SIGTERM, and de-registers then. A second signal ends it at once.

  --config FILE   configuration in JSON: "identity", "server" and "apps" are required
  --json          prints one JSON object per line on stdout
  --trace FILE    writes every SIP message as on the wire, and every MSRP frame with the first 1024 bytes of its body,
                  one JSON object per line; "sip-push trace FILE" shows them. HTTP is not traced. Answers to challenges
                  are, and a weak password can be guessed from them: only the owner can read the file
  --console       reads commands from stdin, one per line, and prints an answer to each (event "answer"):
                    mms.ua messages                            sends a query of its README to an application
                    mms.ua retrieve {"transactionId":"T1"}     the same with arguments in JSON
                    dead-letters                               lists pushes that their application did not accept
                    again ID                                   delivers a dead letter to its application again
                    drop ID                                    deletes a dead letter
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
  async run(words, plain) {
    const file = words.text('trace');
    return await runHost(words, plain, file === undefined ? undefined : { file });
  },
};

/** @param written file and options of a trace. */
export async function runHost(
  words: Words,
  plain: Io,
  written?: { file: string; options?: TraceOptions },
): Promise<number> {
  keepPrivate();
  const json = words.has('json');
  // JSON events have a time of their own.
  const io = json ? plain : timed(plain);
  const log = logPrinter(io);
  const loading = loadHostSettings(words.required('config', 'bob.json'), (message) =>
    log({ level: 'warn', message }),
  );
  const settings = await unlessEnded(io, unlessAborted(loading, io.signal));
  if (!settings) return EXIT.ok;
  const trace = written && (await TraceWriter.open(written.file, { onProblem: io.err, ...written.options }));
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
    const stopConsole = words.has('console')
      ? answerLines(io.input, running, answerPrinter(io, json))
      : () => {};
    await ended(io);
    stopConsole();
    await running.stop('signal');
  } finally {
    await trace?.close();
    unlisten();
  }
  return EXIT.ok;
}
