import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MalformedError, TimeoutError } from '../../../core/errors.js';
import { buildResponse } from '../../../core/sip/message/writer.js';
import { TransactionLayer } from '../../../core/sip/transactions/layer.js';
import { branchVia, MemoryFlow, onlyOne, Recorder, request } from './memory-flow.js';

function start(transport: 'UDP' | 'TCP') {
  const user = new Recorder();
  const layer = new TransactionLayer(user);
  const flow = new MemoryFlow(transport);
  const message = request('MESSAGE', { via: branchVia('1') });
  const again = () => layer.receive(request('MESSAGE', { via: branchVia('1') }), flow);
  layer.receive(message, flow);
  return { user, layer, flow, again, transaction: onlyOne(user.transactions) };
}

describe('non-INVITE server transaction (RFC 3261 17.2.2, RFC 4320)', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('Trying: a retransmitted request is absorbed and nothing is sent', () => {
    const { user, flow, again, transaction } = start('UDP');
    vi.advanceTimersByTime(500);
    again();
    vi.advanceTimersByTime(1000);
    again();
    expect(user.transactions).toHaveLength(1);
    expect(flow.sent).toEqual([]);
    expect(transaction.answered).toBe(false);
  });

  it.each(['UDP', 'TCP'] as const)(
    '%s: a 100 is sent when Timer E of the peer has grown to T2, and then again for each copy',
    (transport) => {
      const { flow, again } = start(transport);
      vi.advanceTimersByTime(3499);
      expect(flow.sent).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(flow.lines).toEqual([100]);
      expect(flow.last().headers.get('To')).toBe('<sip:bob@domain.test>');
      again();
      expect(flow.lines).toEqual([100, 100]);
    },
  );

  it('Completed: answers a retransmission with the same final response until Timer J', () => {
    const { user, flow, again, transaction } = start('UDP');
    transaction.respond(buildResponse(transaction.request, 202));
    expect(transaction.answered).toBe(true);
    again();
    vi.advanceTimersByTime(31_999);
    again();
    expect(flow.lines).toEqual([202, 202, 202]);
    expect(flow.sent[2]).toEqual(flow.sent[0]);
    vi.advanceTimersByTime(1);
    expect(vi.getTimerCount()).toBe(0);
    again();
    expect(user.transactions).toHaveLength(2);
  });

  it('Timer J is zero over a reliable transport', () => {
    const { flow, transaction } = start('TCP');
    transaction.respond(buildResponse(transaction.request, 200));
    expect(flow.lines).toEqual([200]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('Proceeding: the final response follows the 100', () => {
    const { flow, transaction, again } = start('UDP');
    vi.advanceTimersByTime(16_000);
    transaction.respond(buildResponse(transaction.request, 200));
    again();
    expect(flow.lines).toEqual([100, 200, 200]);
  });

  it('sends one final response, and no provisional response of its handler', () => {
    const { flow, transaction } = start('UDP');
    transaction.respond(buildResponse(transaction.request, 183));
    transaction.respond(buildResponse(transaction.request, 100));
    expect(flow.sent).toEqual([]);
    transaction.respond(buildResponse(transaction.request, 200));
    transaction.respond(buildResponse(transaction.request, 500));
    transaction.respond(buildResponse(transaction.request, 180));
    expect(flow.lines).toEqual([200]);
  });

  it('never sends a 408', () => {
    const { flow, transaction, again } = start('UDP');
    transaction.respond(buildResponse(transaction.request, 408));
    expect(transaction.answered).toBe(true);
    again();
    expect(flow.sent).toEqual([]);
  });

  it('reports a timeout without an answer within 64*T1, and absorbs late copies for T4', () => {
    const { user, flow, transaction, again } = start('UDP');
    const errors: Error[] = [];
    transaction.onTimeout = (error) => errors.push(error);
    vi.advanceTimersByTime(32_000);
    expect(errors).toEqual([expect.any(TimeoutError)]);
    expect(transaction.answered).toBe(true);
    transaction.respond(buildResponse(transaction.request, 200));
    expect(flow.lines).toEqual([100]);
    again();
    expect(user.transactions).toHaveLength(1);
    vi.advanceTimersByTime(5000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('respond survives a lost flow', () => {
    const { flow, transaction } = start('TCP');
    flow.closed = true;
    transaction.respond(buildResponse(transaction.request, 200));
    expect(transaction.answered).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('answers 400 when its handler finds a malformed header', () => {
    const layer = new TransactionLayer({
      onRequest() {
        throw new MalformedError('malformed P-Asserted-Identity');
      },
    });
    const flow = new MemoryFlow('UDP');
    layer.receive(request('MESSAGE', { via: branchVia('1') }), flow);
    expect(flow.lines).toEqual([400]);
    layer.close();
  });

  it('does not catch programming errors', () => {
    const layer = new TransactionLayer({
      onRequest() {
        throw new RangeError('a bug');
      },
    });
    expect(() => layer.receive(request('MESSAGE', { via: branchVia('1') }), new MemoryFlow('UDP'))).toThrow(
      RangeError,
    );
    layer.close();
  });
});
