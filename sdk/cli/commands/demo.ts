/** `sip-push demo`: all of it in one process, with a web page. */

import type { PushDescription } from '../../../core/app/contract/push-app.js';
import type { ContentPush } from '../../../core/sender/push-request.js';
import { printable } from '../../../core/text.js';
import { bytes } from '../byte-count.js';
import type { Command } from '../command.js';
import { type Demo, type DemoObserver, type PushEvent, startDemo } from '../demo/demo.js';
import { ladderStep } from '../demo/ladder.js';
import { PageServer } from '../demo/server.js';
import { ended, type Io } from '../io.js';
import { hostPrinter, logPrinter, receiptJson, receiptLine } from '../report.js';
import { EXIT } from '../usage.js';

const HELP = `Usage: sip-push demo [--once] [--json]

Starts an embedded SIP/IP core, a Push Sender Agent and a device with the bundled push applications, pushes a
real example to each application over loopback sockets, prints what each made of it, and stays up with a web
page that shows the messages, until SIGINT or SIGTERM.

  --once   end after the pushes, with 0 when all were delivered, else 1
  --json   one JSON object a line on stdout, nothing else

Ends with 0 when told to; with --once, before all were delivered, with 1.

Example
  sip-push demo --once`;

export const demo: Command = {
  name: 'demo',
  help: HELP,
  options: { once: { type: 'boolean' }, json: { type: 'boolean' } },
  async run(words, io) {
    const json = words.has('json');
    if (words.has('once')) {
      const running = await startDemo(printer(io, json));
      return await pushing(running, io).finally(() => running.stop());
    }
    const page = await PageServer.start();
    let running: Demo | undefined;
    try {
      running = await startDemo(showing(page, printer(io, json)));
      const { pushAll } = running;
      const code = await pushing(running, io);
      if (io.signal.aborted) return EXIT.ok;
      page.onPush = () => pushAll(io.signal);
      const { url } = page;
      io.out(json ? JSON.stringify({ event: 'page', url }) : `\nThe messages, live: ${url}   (Ctrl-C ends)`);
      if (code !== EXIT.ok) io.err('not every push was delivered');
      await ended(io);
      return EXIT.ok;
    } finally {
      await running?.stop();
      await page.stop();
    }
  },
};

/** Told to end before the pushes were through: they were not delivered. */
async function pushing(running: Demo, { signal }: Io): Promise<number> {
  try {
    return (await running.pushAll(signal)) ? EXIT.ok : EXIT.refused;
  } catch (error) {
    if (signal.aborted) return EXIT.refused;
    throw error;
  }
}

/** On the terminal. */
function printer(io: Io, json: boolean): DemoObserver {
  const say = (line: string) => {
    if (!json) io.out(line);
  };
  let compressed: ContentPush | undefined;
  return {
    onNetwork: (uris) => say(`SIP/IP core   ${uris.join(' and ')} (embedded, for demos and tests)\n`),
    onEvent: hostPrinter(io, json, '  '),
    onLog: logPrinter(io),
    onWire: () => {},
    onPush: (push) => {
      const { app, content } = push;
      compressed = push.encoding === undefined ? undefined : push;
      say(`\nPush to ${app}: ${bytes(content.size ?? 0)} of ${content.type.type}${way(push)}`);
    },
    onDescribed: (_push, description) => {
      if (!description) return;
      const { title, text, fields = {} } = description;
      say(printable(`  in words      ${title}${text ? `: ${text}` : ''}`));
      for (const [name, value] of Object.entries(fields)) say(printable(`                ${name}: ${value}`));
    },
    onReceipt: (receipt) => {
      if (compressed) say(`  compressed    ${compressed.content.size} → ${bytes(receipt.bytes)}`);
      io.out(json ? receiptJson(receipt) : `  receipt       ${receiptLine(receipt)}`);
    },
  };
}

function way({ mode, encoding }: ContentPush): string {
  const coded = encoding === undefined ? '' : `, compressed (${encoding})`;
  return `${coded}${mode === 'session' ? ', in a session' : mode === 'indirect' ? ', by reference' : ''}`;
}

/** On the page as well. */
function showing(page: PageServer, terminal: DemoObserver): DemoObserver {
  return {
    ...terminal,
    onWire: (agent, ...message) => {
      const step = ladderStep(agent, ...message);
      if (step) page.show(step);
    },
    onDescribed: (push, description) => {
      terminal.onDescribed(push, description);
      page.show(card(push, description));
    },
  };
}

function card({ app, outcome, status, from, contentType, mode, size }: PushEvent, said?: PushDescription) {
  const title = said?.title ?? `A push to ${app}`;
  return { kind: 'push' as const, app, outcome, status, from, contentType, mode, size, ...said, title };
}
