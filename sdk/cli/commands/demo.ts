/** `sip-push demo`: core, sender and device in one process, with a web page. */

import type { PushDescription } from '../../../core/app/contract/push-app.js';
import type { ContentPush } from '../../../core/sender/push-request.js';
import { printable } from '../../../core/text.js';
import { bytes } from '../byte-count.js';
import type { Command } from '../command.js';
import { type Demo, type DemoObserver, type PushEvent, startDemo } from '../demo/demo.js';
import { ladderStep } from '../demo/ladder.js';
import { PageServer } from '../demo/server.js';
import { type IoStreams, untilAborted } from '../io-streams.js';
import { hostPrinter, logPrinter, receiptJson, receiptLine } from '../report.js';
import { EXIT } from '../usage.js';

const HELP = `Usage: sip-push demo [--once] [--json]

Starts an embedded SIP/IP core, a Push Sender Agent and a device with the bundled push applications. Pushes an example
to each application over loopback sockets, prints what each application received, and serves a web page with the
messages until SIGINT or SIGTERM.

  --once   ends after the pushes
  --json   prints one JSON object per line on stdout

Exit code: 0 after SIGINT or SIGTERM; with --once, 0 if all pushes were delivered, else 1.

Example
  sip-push demo --once`;

export const demo: Command = {
  name: 'demo',
  help: HELP,
  options: { once: { type: 'boolean' }, json: { type: 'boolean' } },
  async run(args, io) {
    const json = args.has('json');
    if (args.has('once')) {
      const running = await startDemo(printer(io, json));
      return await pushExamples(running, io).finally(() => running.stop());
    }
    const page = await PageServer.start();
    let running: Demo | undefined;
    try {
      running = await startDemo(withPage(page, printer(io, json)));
      const { pushAll } = running;
      const code = await pushExamples(running, io);
      if (io.signal.aborted) return EXIT.ok;
      page.onPush = () => pushAll(io.signal);
      const { url } = page;
      io.out(
        json
          ? JSON.stringify({ event: 'page', url })
          : `\nWeb page with the messages: ${url}   (Ctrl-C ends)`,
      );
      if (code !== EXIT.ok) io.err('not every push was delivered');
      await untilAborted(io);
      return EXIT.ok;
    } finally {
      await running?.stop();
      await page.stop();
    }
  },
};

/** Pushes the examples. A signal during the pushes counts as a failure. */
async function pushExamples(running: Demo, { signal }: IoStreams): Promise<number> {
  try {
    return (await running.pushAll(signal)) ? EXIT.ok : EXIT.refused;
  } catch (error) {
    if (signal.aborted) return EXIT.refused;
    throw error;
  }
}

function printer(io: IoStreams, json: boolean): DemoObserver {
  const print = (line: string) => {
    if (!json) io.out(line);
  };
  let compressed: ContentPush | undefined;
  return {
    onNetwork: (uris) => print(`SIP/IP core   ${uris.join(' and ')} (embedded, for demos and tests)\n`),
    onEvent: hostPrinter(io, json, '  '),
    onLog: logPrinter(io),
    onWire: () => {},
    onPush: (push) => {
      const { app, content } = push;
      compressed = push.encoding === undefined ? undefined : push;
      print(`\nPush to ${app}: ${bytes(content.size ?? 0)} of ${content.type.type}${details(push)}`);
    },
    onDescribed: (_push, description) => {
      if (!description) return;
      const { title, text, fields = {} } = description;
      print(printable(`  description   ${title}${text ? `: ${text}` : ''}`));
      for (const [name, value] of Object.entries(fields))
        print(printable(`                ${name}: ${value}`));
    },
    onReceipt: (receipt) => {
      if (compressed) print(`  compressed    ${compressed.content.size} → ${bytes(receipt.bytes)}`);
      io.out(json ? receiptJson(receipt) : `  receipt       ${receiptLine(receipt)}`);
    },
  };
}

function details({ mode, encoding }: ContentPush): string {
  const coded = encoding === undefined ? '' : `, compressed (${encoding})`;
  return `${coded}${mode === 'session' ? ', in a session' : mode === 'indirect' ? ', by reference' : ''}`;
}

/** Shows events also on the page. */
function withPage(page: PageServer, terminal: DemoObserver): DemoObserver {
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

function card(
  { app, outcome, status, from, contentType, mode, size }: PushEvent,
  description?: PushDescription,
) {
  const title = description?.title ?? `A push to ${app}`;
  return {
    kind: 'push' as const,
    app,
    outcome,
    status,
    from,
    contentType,
    mode,
    size,
    ...description,
    title,
  };
}
