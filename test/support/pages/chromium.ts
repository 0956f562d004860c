/** Drives Debian's headless Chromium with the DevTools protocol. */

import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { peerCommand } from '../programs/peers.js';
import { type RunningProcess, startProcess } from '../programs/process.js';
import { eventually } from '../wait.js';

const FLAGS = [
  '--headless',
  // Chromium's sandbox does not work as root, and tests may run as root.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-port=0',
];

interface Answer {
  id?: number;
  method?: string;
  params?: unknown;
  result?: unknown;
  error?: { message: string };
}

interface Appearance {
  dark?: boolean;
  width?: number;
  height?: number;
}

export class Chromium {
  /** Uncaught errors, console errors and failed requests. */
  readonly problems: string[] = [];
  /** All requested URLs. */
  readonly requests: string[] = [];
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #last = 0;

  #running: RunningProcess | undefined;
  #socket: WebSocket | undefined;

  private constructor(
    private readonly profile: string,
    private readonly url: string,
    private readonly appearance: Appearance,
  ) {}

  /** Opens a page in a new profile. */
  static async open(url: string, appearance: Appearance = {}): Promise<Chromium> {
    const profile = await mkdtemp(join(tmpdir(), 'sip-push-chromium-'));
    const chromium = new Chromium(profile, url, appearance);
    await chromium.#launch();
    return chromium;
  }

  /** Kills all processes of the browser, and opens the page in a new browser with the same profile. */
  async killAndReopen(): Promise<void> {
    this.#running?.kill('SIGKILL');
    await this.#running?.exited;
    this.#socket?.terminate();
    await this.#launch();
  }

  async #launch(): Promise<void> {
    const running = await startProcess(peerCommand('chromium'), [
      ...FLAGS,
      `--user-data-dir=${this.profile}`,
    ]);
    this.#running = running;
    const listening = await running.line(/^DevTools listening on ws:/);
    const { host } = new URL(listening.replace(/^DevTools listening on /, ''));
    const target = await eventually('a page', async () => {
      const targets: { type: string; webSocketDebuggerUrl: string }[] = await (
        await fetch(`http://${host}/json/list`)
      ).json();
      return targets.find(({ type }) => type === 'page');
    });
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await once(socket, 'open');
    socket.on('message', (data) => this.#read(JSON.parse(String(data))));
    this.#socket = socket;
    const { dark = false, width = 1280, height = 900 } = this.appearance;
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await this.#call(`${domain}.enable`);
    await this.#call('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: false,
    });
    await this.#call('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }],
    });
    await this.#call('Page.navigate', { url: this.url });
  }

  /** The value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = (await this.#call('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    })) as {
      result: { value: T };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    };
    if (exceptionDetails) {
      const { text, exception } = exceptionDetails;
      throw new Error(`${expression}: ${exception?.description ?? text}`);
    }
    return result.value;
  }

  async reload(): Promise<void> {
    await this.#call('Page.reload');
  }

  /** Resolves with the value of the expression once it is truthy. */
  until<T>(expression: string): Promise<T> {
    return eventually(expression, async () => (await this.evaluate<T>(expression)) || undefined);
  }

  async screenshot(file: string): Promise<void> {
    const { data } = (await this.#call('Page.captureScreenshot')) as { data: string };
    await writeFile(file, Buffer.from(data, 'base64'));
  }

  async close(): Promise<void> {
    this.#socket?.terminate();
    await this.#running?.stop();
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #call(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#last;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#socket?.send(JSON.stringify({ id, method, params }));
    const { error, result } = await answered;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  #read(answer: Answer): void {
    if (answer.id !== undefined) {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
      return;
    }
    const params = JSON.stringify(answer.params);
    switch (answer.method) {
      case 'Network.requestWillBeSent':
        this.requests.push((answer.params as { request: { url: string } }).request.url);
        break;
      case 'Runtime.exceptionThrown':
      case 'Runtime.consoleAPICalled':
      case 'Log.entryAdded':
        this.problems.push(`${answer.method} ${params}`);
        break;
    }
  }
}
