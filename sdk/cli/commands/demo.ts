/** `sip-push demo`: a sender, a SIP/IP core and a device in one process, over real loopback sockets. */

import { TimeoutError } from '../../../core/errors.js';
import { type HostEvent, PushHost } from '../../../core/host.js';
import type { Receipt } from '../../../core/sender/push-request.js';
import { PushSenderAgent } from '../../../core/sender/sender.js';
import { type Network, startNetwork } from '../../network/index.js';
import { findApplication } from '../applications.js';
import { bundledApplications } from '../bundled.js';
import { type Command, EXIT, type Io } from '../command.js';
import { examplePushes } from '../demo/examples.js';
import { DemoServer } from '../demo/server.js';
import { wireEvent } from '../demo/wire.js';
import { PRODUCT } from '../product.js';
import { hostLine, logLine, receiptLine } from '../report.js';
import { ended } from './host.js';

const HELP = `Usage: sip-push demo [--once] [--json]

Starts an embedded SIP/IP core, a Push Sender Agent and a device with the bundled push applications, pushes a
real example to each application over loopback sockets, prints what each made of it, and stays up with a web
page that shows the messages.

  --once   end after the pushes, with 0 when all were taken
  --json   one JSON object a line on stdout, nothing else

Example
  sip-push demo --once`;

const DOMAIN = 'domain.test';
const BOB = `sip:bob@${DOMAIN}`;
const PSA = `sip:psa@${DOMAIN}`;
/** How long the device may take to register before the demo gives up, milliseconds. */
const REGISTRATION_DEADLINE = 10_000;

export const demo: Command = {
  name: 'demo',
  summary: 'all of it in one process, with a web page',
  help: HELP,
  options: { once: { type: 'boolean' }, json: { type: 'boolean' } },
  async run(values, _positionals, io) {
    const running = await Demo.start(io, values.json === true);
    try {
      const delivered = await running.pushAll();
      if (values.once) return delivered ? EXIT.ok : EXIT.refused;
      await running.serve();
      await ended(io.signal);
      return EXIT.ok;
    } finally {
      await running.stop();
    }
  },
};

class Demo {
  #page: DemoServer | undefined;
  #count = 0;

  private constructor(
    private readonly io: Io,
    private readonly json: boolean,
    private readonly network: Network,
    private readonly sender: PushSenderAgent,
    private readonly device: PushHost,
    private readonly page: DemoServer,
  ) {}

  static async start(io: Io, json: boolean): Promise<Demo> {
    const say = (event: HostEvent) => io.out(json ? JSON.stringify(event) : `  ${hostLine(event)}`);
    let demo: Demo | undefined;
    const page = new DemoServer(async () => void (await demo?.pushAll()));
    const devices = new Set<string>();
    const network = await startNetwork({
      domain: DOMAIN,
      users: { bob: { password: 'bob' }, psa: { password: 'psa' } },
      onEvent: (event) => {
        const shown = wireEvent(event, devices);
        if (shown) page.show(shown);
      },
    });
    const [udp = '', tcp = ''] = network.uris;
    if (!json) io.out(`SIP/IP core   ${network.uris.join(' and ')} (embedded, for demos and tests)\n`);
    let registered = () => {};
    const registration = new Promise<void>((resolve) => {
      registered = resolve;
    });
    const device = await PushHost.start({
      identity: BOB,
      servers: [tcp],
      credentials: { username: 'bob', password: 'bob' },
      expires: 3600,
      trust: [PSA],
      product: PRODUCT,
      apps: await Promise.all(
        bundledApplications().map(async (use) => ({ definition: await findApplication(use, process.cwd()) })),
      ),
      onLog: (record) => io.err(logLine(record)),
      onEvent: (event) => {
        say(event);
        if (event.event === 'registered') registered();
        if (event.event === 'push') void demo?.show(event);
      },
    });
    const sender = new PushSenderAgent({
      identity: PSA,
      servers: [udp],
      credentials: { username: 'psa', password: 'psa' },
      assertIdentity: true,
      product: PRODUCT,
    });
    await sender.start();
    demo = new Demo(io, json, network, sender, device, page);
    await within(registration, REGISTRATION_DEADLINE);
    return demo;
  }

  /** Pushes the example of every application; whether all were delivered. */
  async pushAll(): Promise<boolean> {
    const receipts: Receipt[] = [];
    for (const push of examplePushes(BOB, ++this.#count)) {
      if (!this.json)
        this.io.out(`\nPush to ${push.app}: ${push.content.size} bytes of ${push.content.type.type}`);
      const receipt = await this.sender.send(push, this.io.signal);
      this.io.out(
        this.json
          ? JSON.stringify({ event: 'receipt', ...receipt })
          : `  receipt       ${receiptLine(receipt)}`,
      );
      receipts.push(receipt);
    }
    return receipts.every(({ outcome }) => outcome === 'delivered');
  }

  /** What the application made of a push, in words. */
  async show({ id, outcome }: HostEvent & { event: 'push' }): Promise<void> {
    const described = await this.device.describe(id);
    if (!described) return;
    this.page.show({ kind: 'push', ...described, outcome });
    if (this.json) return;
    this.io.out(`  in words      ${described.title}${described.text ? `: ${described.text}` : ''}`);
    for (const [name, value] of Object.entries(described.fields ?? {})) {
      this.io.out(`                ${name}: ${value}`);
    }
  }

  async serve(): Promise<void> {
    this.#page = this.page;
    const address = await this.page.start();
    if (!this.json) this.io.out(`\nThe messages, live: ${address}   (Ctrl-C ends)`);
    else this.io.err(`page: ${address}`);
  }

  async stop(): Promise<void> {
    await this.#page?.stop();
    await this.sender.stop();
    await this.device.stop('the demo ended');
    await this.network.close();
  }
}

async function within(registration: Promise<void>, milliseconds: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new TimeoutError('the device could not register with the embedded core')),
      milliseconds,
    );
  });
  await Promise.race([registration, late]).finally(() => clearTimeout(timer));
}
