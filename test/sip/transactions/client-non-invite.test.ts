import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TimeoutError, TransportError } from '../../../core/errors.js';
import { TransactionLayer } from '../../../core/sip/transactions/layer.js';
import { answer, ClientRecorder, MemoryFlow, Recorder, request } from './memory-flow.js';

function start(transport: 'UDP' | 'TCP') {
  const user = new Recorder();
  const layer = new TransactionLayer(user);
  const flow = new MemoryFlow(transport);
  const client = new ClientRecorder();
  const transaction = layer.send(request('MESSAGE'), flow, client);
  return { user, layer, flow, client, transaction };
}

describe('non-INVITE client transaction (RFC 3261 17.1.2)', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('Timer E: retransmits at 500 ms, then twice the wait up to 4 s, until Timer F ends it at 32 s', () => {
    const { flow, client } = start('UDP');
    const times: number[] = [];
    for (let time = 0; time < 32_000; time += 100) {
      const before = flow.sent.length;
      vi.advanceTimersByTime(100);
      if (flow.sent.length > before) times.push(time + 100);
    }
    expect(times).toEqual([500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    expect(client.failures).toEqual([expect.any(TimeoutError)]);
    expect(client.failures[0]?.message).toBe('no final response to MESSAGE sip:bob@domain.test within 32 s');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sends the same bytes each time', () => {
    const { flow } = start('UDP');
    vi.advanceTimersByTime(500);
    expect(flow.sent[1]).toEqual(flow.sent[0]);
  });

  it('never retransmits over a reliable transport, where Timer F also applies', () => {
    const { flow, client } = start('TCP');
    vi.advanceTimersByTime(31_999);
    expect(flow.lines).toEqual(['MESSAGE']);
    expect(client.failures).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(client.failures).toEqual([expect.any(TimeoutError)]);
  });

  it('Proceeding: a provisional response is reported, and slows retransmission to T2', () => {
    const { layer, flow, client } = start('UDP');
    layer.receive(answer(flow.last(), 100), flow);
    vi.advanceTimersByTime(500);
    expect(flow.sent).toHaveLength(2);
    vi.advanceTimersByTime(3999);
    expect(flow.sent).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(flow.sent).toHaveLength(3);
    layer.receive(answer(flow.last(), 100), flow);
    layer.receive(answer(flow.last(), 200), flow);
    expect(client.statuses).toEqual([100, 100, 200]);
  });

  it('Proceeding: Timer F ends it', () => {
    const { layer, flow, client } = start('UDP');
    layer.receive(answer(flow.last(), 100), flow);
    vi.advanceTimersByTime(32_000);
    expect(client.failures).toEqual([expect.any(TimeoutError)]);
  });

  it.each([200, 302, 404, 500, 603])(
    'Completed: %i is reported once; Timer K absorbs its copies for T4',
    (status) => {
      const { user, layer, flow, client } = start('UDP');
      const final = answer(flow.last(), status);
      layer.receive(final, flow);
      vi.advanceTimersByTime(4999);
      layer.receive(final, flow);
      expect(client.statuses).toEqual([status]);
      expect(flow.sent).toHaveLength(1);
      expect(user.strays).toEqual([]);
      vi.advanceTimersByTime(1);
      layer.receive(final, flow);
      expect(user.strays).toEqual([final]);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  it('Timer K is zero over a reliable transport', () => {
    const { user, layer, flow, client } = start('TCP');
    const final = answer(flow.last(), 200);
    layer.receive(final, flow);
    expect(client.statuses).toEqual([200]);
    expect(vi.getTimerCount()).toBe(0);
    layer.receive(final, flow);
    expect(user.strays).toEqual([final]);
  });

  it('reports a received 408 as a response, not as a timeout', () => {
    const { layer, flow, client } = start('UDP');
    layer.receive(answer(flow.last(), 408), flow);
    expect(client.statuses).toEqual([408]);
    expect(client.failures).toEqual([]);
  });

  it('fails, and not from within send, when the flow cannot send', async () => {
    const layer = new TransactionLayer(new Recorder());
    const flow = new MemoryFlow('TCP');
    flow.closed = true;
    const client = new ClientRecorder();
    layer.send(request('MESSAGE'), flow, client);
    expect(client.failures).toEqual([]);
    await Promise.resolve();
    expect(client.failures).toEqual([expect.any(TransportError)]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('fails when a retransmission cannot be sent', async () => {
    const { flow, client } = start('UDP');
    flow.closed = true;
    await vi.advanceTimersByTimeAsync(500);
    expect(client.failures).toEqual([expect.any(TransportError)]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('fails when its flow is lost, but not after the final response', () => {
    const { layer, flow, client } = start('UDP');
    const later = new ClientRecorder();
    layer.send(request('OPTIONS'), flow, later);
    layer.receive(answer(flow.last(), 200), flow);
    layer.flowClosed(new MemoryFlow('UDP'));
    expect(client.failures).toEqual([]);
    layer.flowClosed(flow);
    expect(client.failures).toEqual([expect.any(TransportError)]);
    expect(later.failures).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('abandon: no callback, no retransmission', () => {
    const { layer, flow, client, transaction } = start('UDP');
    transaction.abandon();
    vi.advanceTimersByTime(32_000);
    layer.receive(answer(flow.last(), 200), flow);
    expect(flow.lines).toEqual(['MESSAGE']);
    expect(client.responses).toEqual([]);
    expect(client.failures).toEqual([]);
  });

  it('cancel does nothing (RFC 3261 9.1)', () => {
    const { layer, flow, transaction } = start('TCP');
    layer.receive(answer(flow.last(), 100), flow);
    transaction.cancel();
    expect(flow.lines).toEqual(['MESSAGE']);
  });

  it('puts a Via with a unique branch on top of a copy', () => {
    const layer = new TransactionLayer(new Recorder());
    const flow = new MemoryFlow('UDP');
    const mine = request('MESSAGE');
    const branches = new Set<string>();
    for (let count = 0; count < 1000; count++)
      branches.add(layer.send(mine, flow, new ClientRecorder()).branch);
    expect(branches.size).toBe(1000);
    expect(mine.headers.has('Via')).toBe(false);
    expect(flow.last().headers.getAll('Via')).toEqual([
      expect.stringMatching(/^SIP\/2\.0\/UDP 192\.0\.2\.1:5060;branch=z9hG4bK[0-9a-f]{32};rport$/),
    ]);
    layer.close();
  });

  it('adds no rport over a connection', () => {
    const { flow } = start('TCP');
    expect(flow.last().headers.get('Via')).toMatch(
      /^SIP\/2\.0\/TCP 192\.0\.2\.1:5060;branch=z9hG4bK[0-9a-f]{32}$/,
    );
  });
});
