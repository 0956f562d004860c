import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TimeoutError } from '../../../core/errors.js';
import { buildResponse } from '../../../core/sip/message/writer.js';
import { TransactionLayer, type TransactionLayerOptions } from '../../../core/sip/transactions/layer.js';
import { branchVia, MemoryFlow, onlyOne, Recorder, request } from './memory-flow.js';

function start(transport: 'UDP' | 'TCP', options: Partial<TransactionLayerOptions> = {}) {
  const user = new Recorder();
  const layer = new TransactionLayer({ ...user, ...options });
  const flow = new MemoryFlow(transport);
  const again = () => layer.receive(request('INVITE', { via: branchVia('1') }), flow);
  again();
  const transaction = onlyOne(user.transactions);
  const respond = (status: number, untilAcknowledged = false) =>
    transaction.respond(buildResponse(transaction.request, status, { toTag: 'b1' }), { untilAcknowledged });
  /** The ACK of a final response other than 2xx has the branch of the INVITE. */
  const ack = () => layer.receive(request('ACK', { via: branchVia('1'), toTag: 'b1' }), flow);
  /** The ACK of a 2xx has another branch. */
  const ackOf2xx = () => layer.receive(request('ACK', { via: branchVia('ack'), toTag: 'b1' }), flow);
  const timeouts: Error[] = [];
  transaction.onTimeout = (error) => timeouts.push(error);
  return { user, layer, flow, again, transaction, respond, ack, ackOf2xx, timeouts };
}

describe('INVITE server transaction (RFC 3261 17.2.1, RFC 6026)', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('Proceeding: sends a 100 after 200 ms, and again for each retransmission', () => {
    const { user, flow, again, respond } = start('UDP');
    again();
    expect(flow.sent).toEqual([]);
    vi.advanceTimersByTime(200);
    again();
    expect(flow.lines).toEqual([100, 100]);
    respond(180);
    again();
    expect(flow.lines).toEqual([100, 100, 180, 180]);
    expect(user.transactions).toHaveLength(1);
  });

  it('Proceeding: sends no 100 after an earlier response', () => {
    const { flow, respond } = start('TCP');
    respond(180);
    vi.advanceTimersByTime(200);
    respond(183);
    expect(flow.lines).toEqual([180, 183]);
  });

  it('Completed: Timer G retransmits up to every T2, Timer H ends it and reports a timeout', () => {
    const { flow, respond, timeouts } = start('UDP');
    respond(486);
    const times: number[] = [];
    for (let time = 0; time < 32_000; time += 100) {
      const before = flow.sent.length;
      vi.advanceTimersByTime(100);
      if (flow.sent.length > before) times.push(time + 100);
    }
    expect(times).toEqual([500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    expect(timeouts).toEqual([expect.any(TimeoutError)]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('Completed: answers a retransmission again; over a reliable transport only Timer H runs', () => {
    const { flow, respond, again, timeouts } = start('TCP');
    respond(486);
    vi.advanceTimersByTime(10_000);
    again();
    expect(flow.lines).toEqual([486, 486]);
    vi.advanceTimersByTime(22_000);
    expect(timeouts).toHaveLength(1);
  });

  it('Confirmed: the ACK stops retransmission and is absorbed, as are copies until Timer I', () => {
    const { user, flow, respond, ack, again, timeouts, transaction } = start('UDP');
    const acks: unknown[] = [];
    transaction.onAck = (received) => acks.push(received);
    respond(486);
    ack();
    ack();
    again();
    vi.advanceTimersByTime(4999);
    again();
    expect(flow.lines).toEqual([486]);
    vi.advanceTimersByTime(1);
    expect(vi.getTimerCount()).toBe(0);
    expect(timeouts).toEqual([]);
    expect(acks).toEqual([]);
    expect(user.acks).toEqual([]);
  });

  it('Timer I is zero over a reliable transport', () => {
    const { respond, ack } = start('TCP');
    respond(486);
    ack();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('Accepted, for a proxy: no retransmission, further 2xx are sent, copies are absorbed, ACKs are reported, Timer L', () => {
    const { user, flow, respond, again, ackOf2xx, ack, timeouts } = start('UDP');
    respond(200);
    respond(200);
    respond(486);
    respond(180);
    again();
    ackOf2xx();
    ack();
    vi.advanceTimersByTime(31_999);
    again();
    expect(flow.lines).toEqual([200, 200]);
    expect(user.acks).toHaveLength(2);
    expect(user.transactions).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(vi.getTimerCount()).toBe(0);
    expect(timeouts).toEqual([]);
    respond(200);
    expect(flow.lines).toEqual([200, 200]);
  });

  it.each(['UDP', 'TCP'] as const)(
    'Accepted, for a user agent over %s: the 2xx is retransmitted until its ACK arrives (13.3.1.4)',
    (transport) => {
      const { user, flow, respond, ackOf2xx, transaction, timeouts } = start(transport);
      const acks: string[] = [];
      transaction.onAck = ({ method }) => acks.push(method);
      respond(200, true);
      vi.advanceTimersByTime(1500);
      expect(flow.lines).toEqual([200, 200, 200]);
      ackOf2xx();
      ackOf2xx();
      expect(acks).toEqual(['ACK']);
      expect(user.acks).toEqual([]);
      vi.advanceTimersByTime(32_000);
      expect(flow.lines).toEqual([200, 200, 200]);
      expect(timeouts).toEqual([]);
      expect(vi.getTimerCount()).toBe(0);
      ackOf2xx();
      expect(user.acks).toHaveLength(1);
    },
  );

  it('Accepted: reports a timeout to a user agent if its 2xx is not acknowledged', () => {
    const { respond, timeouts } = start('UDP');
    respond(200, true);
    vi.advanceTimersByTime(32_000);
    expect(timeouts).toEqual([expect.any(TimeoutError)]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('drops an ACK before any final response', () => {
    const { user, ack, flow } = start('UDP');
    ack();
    expect(user.acks).toEqual([]);
    expect(flow.sent).toEqual([]);
  });

  it('retransmission survives a lost flow', () => {
    const { flow, respond, timeouts } = start('UDP');
    respond(486);
    flow.closed = true;
    vi.advanceTimersByTime(32_000);
    expect(timeouts).toHaveLength(1);
  });

  describe('CANCEL (RFC 3261 9.2)', () => {
    const cancel = (layer: TransactionLayer, flow: MemoryFlow, branch = '1') =>
      layer.receive(request('CANCEL', { via: branchVia(branch) }), flow);

    it('is answered 200 with the To tag of the INVITE, and reported', () => {
      const { user, layer, flow, respond, transaction } = start('UDP');
      let cancelled = 0;
      transaction.onCancel = () => {
        cancelled++;
        respond(487);
      };
      respond(180);
      cancel(layer, flow);
      expect(flow.lines).toEqual([180, 200, 487]);
      expect(flow.sent[1]?.headers.get('CSeq')).toBe('1 CANCEL');
      expect(flow.sent[1]?.headers.get('To')).toBe('<sip:bob@domain.test>;tag=b1');
      cancel(layer, flow);
      expect(flow.lines).toEqual([180, 200, 487, 200]);
      expect(cancelled).toBe(1);
      expect(user.transactions).toHaveLength(1);
    });

    it('has no effect after the final response', () => {
      const { layer, flow, respond, transaction } = start('TCP');
      let cancelled = 0;
      transaction.onCancel = () => cancelled++;
      respond(200);
      cancel(layer, flow);
      expect(flow.lines).toEqual([200, 200]);
      expect(cancelled).toBe(0);
    });

    it('is answered 481 without an INVITE', () => {
      const { user, layer, flow } = start('UDP');
      cancel(layer, flow, 'other');
      expect(flow.lines).toEqual([481]);
      expect(user.transactions).toHaveLength(1);
    });
  });

  describe('a CANCEL', () => {
    const cancel = () => request('CANCEL', { via: branchVia('1') });

    it('9.2: from a user agent causes a 487 unless the handler answers', () => {
      const { layer, flow, transaction } = start('TCP', { refuseCancelled: true });
      let cancelled = 0;
      transaction.onCancel = () => cancelled++;
      layer.receive(cancel(), flow);
      expect(flow.lines).toEqual([200, 487]);
      expect(cancelled).toBe(1);
      expect(transaction).toMatchObject({ answered: true, accepted: false });
    });

    it('9.2: can be answered otherwise by the handler', () => {
      const { layer, flow, transaction, respond } = start('TCP', { refuseCancelled: true });
      transaction.onCancel = () => respond(480);
      layer.receive(cancel(), flow);
      expect(flow.lines).toEqual([200, 480]);
    });

    it('9.2: changes nothing after the final response', () => {
      const { layer, flow, transaction, respond } = start('UDP', { refuseCancelled: true });
      respond(200, true);
      layer.receive(cancel(), flow);
      expect(flow.lines).toEqual([200, 200]);
      expect(transaction).toMatchObject({ answered: true, accepted: true });
    });

    it('causes no 487 from a proxy', () => {
      const { layer, flow } = start('TCP');
      layer.receive(cancel(), flow);
      expect(flow.lines).toEqual([200]);
    });
  });

  it('18.2.2: replaces a lost connection by a new one to the same peer', () => {
    const replacement = new MemoryFlow('TCP');
    const { flow, respond } = start('TCP', {
      replaceFlow: (lost) => (lost.closed ? replacement : undefined),
    });
    flow.closed = true;
    respond(200, true);
    vi.advanceTimersByTime(500);
    expect(flow.sent).toEqual([]);
    expect(replacement.lines).toEqual([200, 200]);
  });
});
