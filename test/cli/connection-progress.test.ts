/** The messages of `sip-push send` while it waits. */

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ConnectionProgress } from '../../sdk/cli/progress.js';

const SERVER = 'sip:127.0.0.1:5060;transport=tcp';
let messages: string[];
let progress: ConnectionProgress;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  messages = [];
  progress = new ConnectionProgress([SERVER], (line) => messages.push(line));
  progress.start();
});
afterEach(() => {
  progress.stop();
  vi.useRealTimers();
});

const wire = (direction: 'in' | 'out', text: string) =>
  progress.handlers.onWire(direction, new TextEncoder().encode(`${text}\r\n\r\n`));

it('reports a missing connection', () => {
  vi.advanceTimersByTime(5_000);
  expect(messages).toEqual([`no connection to ${SERVER} yet; retrying`]);
});

it('reports once that a request has no answer', () => {
  progress.handlers.onConnected(SERVER);
  for (let attempt = 0; attempt < 3; attempt++) {
    wire('out', 'MESSAGE sip:bob@domain.test SIP/2.0');
    vi.advanceTimersByTime(5_000);
  }
  expect(messages).toEqual([`no answer from ${SERVER} yet; waiting`]);
});

it('reports nothing while files are read or transferred', () => {
  progress.handlers.onConnected(SERVER);
  wire('out', 'REGISTER sip:domain.test SIP/2.0');
  wire('in', 'SIP/2.0 200 OK');
  // A large file is read for its digest.
  vi.advanceTimersByTime(60_000);
  wire('out', 'INVITE sip:bob@domain.test SIP/2.0');
  wire('in', 'SIP/2.0 100 Trying');
  wire('in', 'SIP/2.0 200 OK');
  wire('out', 'ACK sip:bob@domain.test SIP/2.0');
  wire('out', 'SIP/2.0 200 OK');
  vi.advanceTimersByTime(60_000);
  expect(messages).toEqual([]);
});
