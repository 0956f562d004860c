/** `sip-push host`: a device. */

import { createPushReceiver } from '../../../core/host.js';
import { loadHostSettings } from '../../config/host.js';
import { type TraceOptions, TraceWriter } from '../../trace/trace-writer.js';
import type { Command, Words } from '../command.js';
import { answerLines } from '../host-console.js';
import { ended, type Io, keepPrivate, timed } from '../io.js';
import { answerPrinter, hostPrinter, logPrinter } from '../report.js';
import { logUncaughtErrors } from '../stray-errors.js';
import { EXIT } from '../usage.js';

const HELP = `Usage: sip-push host --config FILE [--json] [--trace FILE] [--console]

A device: registers with the SIP/IP core, takes pushes, and hands each to the push application it is
addressed to. Runs until SIGINT or SIGTERM, which de-registers; a second one ends it at once.

  --config FILE   configuration, JSON: "identity", "server" and "apps" are required
  --json          one JSON object a line on stdout, nothing else
  --trace FILE    every SIP message as it was on the wire, and every MSRP frame with the first 1024 bytes of its body,
                  one JSON object a line: "sip-push trace FILE" shows them. What HTTP has is not in it. What the device
                  answers to challenges is, from which a password can be guessed: the file is its owner's alone
  --console       takes commands from stdin while it runs, a line each, and prints an answer to each (event "answer"):
                    mms.ua messages                            asks an application, by a query of its README
                    mms.ua retrieve {"transactionId":"T1"}     with arguments in JSON
                    dead-letters                               lists pushes that their application did not accept
                    again ID                                   delivers one of them to its application again
                    drop ID                                    deletes one of them
                  The end of stdin ends nothing else

Ends with 0 when told to, also while it starts; 1 when it cannot run: the folder of "data" or a port cannot be had;
2 when the command or the configuration is wrong.

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

/** @param written where its messages go, and what of them. */
export async function runHost(
  words: Words,
  plain: Io,
  written?: { file: string; options?: TraceOptions },
): Promise<number> {
  keepPrivate();
  const json = words.has('json');
  // Programs read times where there are any; people do here.
  const io = json ? plain : timed(plain);
  const settings = await loadHostSettings(words.required('config', 'bob.json'));
  const trace = written && (await TraceWriter.open(written.file, { onProblem: io.err, ...written.options }));
  const unlisten = logUncaughtErrors(io);
  const print = hostPrinter(io, json);
  try {
    const running = await createPushReceiver({
      ...settings,
      onEvent: (event) => {
        print(event);
        trace?.event(event);
      },
      onLog: logPrinter(io),
      ...trace?.taps,
    });
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
