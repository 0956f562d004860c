import { afterEach, expect, it } from 'vitest';
import { localMsrpUri, MsrpConnector, MsrpListener } from '../../core/msrp/index.js';
import { Mailbox } from '../support/mailbox.js';
import { type Closing, LOOPBACK, message } from '../support/msrp/sessions.js';

const closing: Closing = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const SESSIONS = 200;
const SIZE = 1024 * 1024;

it.each([
  ['on one connection', 1],
  ['on separate connections', SESSIONS],
])(
  '200 sessions of 1 MiB %s: when the first is done, every other has at least half of its bytes',
  async (_how, connections) => {
    const listener = await MsrpListener.open({ protocol: 'tcp', at: LOOPBACK });
    closing.push(() => listener.close());
    const connectors = Array.from({ length: connections }, () => new MsrpConnector());
    for (const connector of connectors) closing.push(() => connector.close());
    const received: number[] = [];
    const sessions = await Promise.all(
      Array.from({ length: SESSIONS }, async (_, index) => {
        const here = localMsrpUri('tcp', listener.address);
        const there = localMsrpUri('tcp', LOOPBACK);
        const bound = new Mailbox<true>('the other end');
        const onBound = () => bound.put(true);
        const session = listener.expect({ localUri: here, remotePath: [there], onBound });
        received.push(0);
        await connectors[index % connections]?.connect('tcp', listener.address, {
          localUri: there,
          remotePath: [here],
          onMessage: () => ({
            write(_offset, { length }) {
              received[index] = (received[index] ?? 0) + length;
            },
            end: (_size, reporter) => reporter.success(),
            abort() {},
          }),
        });
        await bound.take();
        return session;
      }),
    );
    const content = new Uint8Array(SIZE);
    const sent = sessions.map((session) => session.send({ ...message(content), successReport: true }));
    await Promise.race(sent);
    expect(Math.min(...received)).toBeGreaterThanOrEqual(SIZE / 2);
    for (const result of await Promise.all(sent)) {
      expect(result).toEqual({ status: 200, comment: 'OK', reported: true, bytes: SIZE });
    }
  },
);
