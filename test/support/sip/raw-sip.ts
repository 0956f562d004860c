/**
 * A minimal SIP peer that shares no code with this package, to test this package and third-party programs.
 * A message consists of its start line, header lines and body.
 */

import { createHash, randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { PATIENCE_MS } from '../wait.js';
import { type OnMessage, openUdp, type RawWire } from './raw-wire.js';

export class RawMessage {
  constructor(
    readonly startLine: string,
    readonly lines: readonly string[],
    readonly body: Buffer,
  ) {}

  static read(bytes: Buffer): RawMessage {
    const end = bytes.indexOf('\r\n\r\n');
    const [startLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
    return new RawMessage(startLine, lines, bytes.subarray(end + 4));
  }

  get status(): number {
    return Number(this.startLine.split(' ')[1]);
  }

  get method(): string {
    return this.startLine.split(' ')[0] ?? '';
  }

  /** Values of the header lines with this name, as written. */
  all(name: string): string[] {
    const start = `${name.toLowerCase()}:`;
    return this.lines
      .filter((line) => line.toLowerCase().startsWith(start))
      .map((line) => line.slice(start.length).trim());
  }

  get(name: string): string | undefined {
    return this.all(name)[0];
  }
}

export interface RawCredentials {
  username: string;
  password: string;
}

export interface RawRequest {
  method: string;
  uri: string;
  from: string;
  to?: string;
  headers?: readonly string[];
  body?: Buffer;
  /** Credentials for a challenge. */
  credentials?: RawCredentials;
}

export class RawSipPeer {
  readonly #events = new EventEmitter<{ request: [RawMessage]; response: [RawMessage] }>();
  readonly #requests: RawMessage[] = [];
  readonly #wire: RawWire;
  /** Returns the response to each received request. */
  answer: (request: RawMessage) => string | undefined = () => '200 OK';

  private constructor(wire: RawWire) {
    this.#wire = wire;
    this.#events.setMaxListeners(0);
  }

  /** Opens a peer on UDP, or on the transport that `open` makes. */
  static async open(open: (onMessage: OnMessage) => Promise<RawWire> = openUdp): Promise<RawSipPeer> {
    const wire = await open((bytes, port) => peer.#receive(RawMessage.read(bytes), port));
    const peer = new RawSipPeer(wire);
    return peer;
  }

  get port(): number {
    return this.#wire.port;
  }

  /** The Contact of this peer. */
  contact(user: string): string {
    return `<sip:${user}@127.0.0.1:${this.#wire.port};transport=${this.#wire.transport.toLowerCase()}>`;
  }

  /** All received requests, including retransmissions. */
  get requests(): readonly RawMessage[] {
    return this.#requests;
  }

  /** The next request, including requests received earlier. */
  async request(): Promise<RawMessage> {
    const [first] = this.#requests;
    if (first) return first;
    const [message] = await once(this.#events, 'request', { signal: AbortSignal.timeout(PATIENCE_MS) });
    return message;
  }

  clear(): void {
    this.#requests.length = 0;
  }

  /** Sends a request, and resolves with the final response, after a challenge if there are credentials. */
  async send(port: number, request: RawRequest): Promise<RawMessage> {
    const dialog = randomBytes(8).toString('hex');
    const first = await this.#transact(port, request, dialog, 1, []);
    if ((first.status !== 401 && first.status !== 407) || !request.credentials) return first;
    return await this.#transact(port, request, dialog, 2, [
      authorization(first, request, request.credentials),
    ]);
  }

  close(): void {
    this.#wire.close();
  }

  #receive(message: RawMessage, port: number): void {
    if (message.startLine.startsWith('SIP/2.0')) {
      this.#events.emit('response', message);
      return;
    }
    const status = message.method === 'ACK' ? undefined : this.answer(message);
    if (status !== undefined) this.#wire.send(Buffer.from(responseTo(message, status), 'latin1'), port);
    this.#requests.push(message);
    this.#events.emit('request', message);
  }

  async #transact(
    port: number,
    { method, uri, from, to = uri, headers = [], body = Buffer.alloc(0) }: RawRequest,
    dialog: string,
    sequence: number,
    more: readonly string[],
  ): Promise<RawMessage> {
    const branch = `z9hG4bK${randomBytes(8).toString('hex')}`;
    const head = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/${this.#wire.transport} 127.0.0.1:${this.#wire.port};rport;branch=${branch}`,
      'Max-Forwards: 70',
      `From: <${from}>;tag=${dialog}`,
      `To: <${to}>`,
      `Call-ID: ${dialog}@127.0.0.1`,
      `CSeq: ${sequence} ${method}`,
      ...headers,
      ...more,
      `Content-Length: ${body.length}`,
    ];
    const answer = this.#final(branch);
    this.#wire.send(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]), port);
    return await answer;
  }

  #final(branch: string): Promise<RawMessage> {
    return new Promise((resolve, reject) => {
      const done = (finish: () => void) => {
        clearTimeout(timer);
        this.#events.off('response', listener);
        finish();
      };
      const listener = (message: RawMessage) => {
        if (message.status >= 200 && message.get('Via')?.includes(branch)) done(() => resolve(message));
      };
      const timer = setTimeout(() => done(() => reject(new Error('no final response'))), PATIENCE_MS);
      this.#events.on('response', listener);
    });
  }
}

/** A response (RFC 3261 §8.2.6.2). */
function responseTo(request: RawMessage, status: string): string {
  const copied = request.lines.filter((line) => /^(Via|From|Call-ID|CSeq|Record-Route):/i.test(line));
  const to = request.get('To') ?? '';
  const tagged = to.includes(';tag=') ? to : `${to};tag=raw`;
  return [`SIP/2.0 ${status}`, ...copied, `To: ${tagged}`, 'Content-Length: 0', '', ''].join('\r\n');
}

/** RFC 8760, qop=auth. */
function authorization(challenged: RawMessage, { method, uri }: RawRequest, user: RawCredentials): string {
  const [header, name] =
    challenged.status === 401
      ? [challenged.get('WWW-Authenticate'), 'Authorization']
      : [challenged.get('Proxy-Authenticate'), 'Proxy-Authorization'];
  const parameter = (key: string) => new RegExp(`${key}="?([^",]+)`).exec(header ?? '')?.[1] ?? '';
  const algorithm = parameter('algorithm') || 'MD5';
  const digest = (...parts: string[]) =>
    createHash(algorithm === 'SHA-256' ? 'sha256' : 'md5')
      .update(parts.join(':'))
      .digest('hex');
  const nonce = parameter('nonce');
  const realm = parameter('realm');
  const cnonce = randomBytes(8).toString('hex');
  const response = digest(
    digest(user.username, realm, user.password),
    nonce,
    '00000001',
    cnonce,
    'auth',
    digest(method, uri),
  );
  return (
    `${name}: Digest username="${user.username}", realm="${realm}", nonce="${nonce}", uri="${uri}", ` +
    `response="${response}", algorithm=${algorithm}, cnonce="${cnonce}", qop=auth, nc=00000001`
  );
}
