import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TimeoutError, TransportError } from '../../../core/errors.js';
import { isRequest, type SipRequest } from '../../../core/sip/message/message.js';
import { TransactionLayer } from '../../../core/sip/transactions/layer.js';
import { answer, ClientRecorder, MemoryFlow, Recorder, request } from './memory-flow.js';

function start(transport: 'UDP' | 'TCP') {
  const user = new Recorder();
  const layer = new TransactionLayer(user);
  const flow = new MemoryFlow(transport);
  const client = new ClientRecorder();
  const invite = request('INVITE', { cseq: 7 });
  invite.headers.append('Route', '<sip:p1.test;lr>').append('Route', '<sip:p2.test;lr>');
  const transaction = layer.send(invite, flow, client);
  return { user, layer, flow, client, transaction };
}

function requestOf(flow: MemoryFlow): SipRequest {
  const message = flow.last();
  if (!isRequest(message)) throw new Error('a response');
  return message;
}

describe('INVITE client transaction (RFC 3261 17.1.1, RFC 6026)', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('Calling: Timer A doubles without bound until Timer B ends it', () => {
    const { flow, client } = start('UDP');
    const times: number[] = [];
    for (let time = 0; time < 32_000; time += 100) {
      const before = flow.sent.length;
      vi.advanceTimersByTime(100);
      if (flow.sent.length > before) times.push(time + 100);
    }
    expect(times).toEqual([500, 1500, 3500, 7500, 15_500, 31_500]);
    expect(client.failures).toEqual([expect.any(TimeoutError)]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('Calling: no Timer A over a reliable transport', () => {
    const { flow, client } = start('TCP');
    vi.advanceTimersByTime(32_000);
    expect(flow.lines).toEqual(['INVITE']);
    expect(client.failures).toEqual([expect.any(TimeoutError)]);
  });

  it('Proceeding: no retransmission and no deadline; reports each provisional response', () => {
    const { layer, flow, client } = start('UDP');
    layer.receive(answer(flow.last(), 100), flow);
    layer.receive(answer(flow.last(), 180), flow);
    vi.advanceTimersByTime(120_000);
    expect(flow.lines).toEqual(['INVITE']);
    layer.receive(answer(flow.last(), 200), flow);
    expect(client.statuses).toEqual([100, 180, 200]);
  });

  it('Accepted: reports only 2xx, of every branch of a fork, until Timer M', () => {
    const { user, layer, flow, client } = start('UDP');
    layer.receive(answer(flow.last(), 200, 'b1'), flow);
    layer.receive(answer(flow.last(), 200, 'b1'), flow);
    layer.receive(answer(flow.last(), 200, 'b2'), flow);
    layer.receive(answer(flow.last(), 486), flow);
    layer.receive(answer(flow.last(), 180), flow);
    expect(client.statuses).toEqual([200, 200, 200]);
    expect(flow.lines).toEqual(['INVITE']);
    vi.advanceTimersByTime(32_000);
    layer.receive(answer(flow.last(), 200), flow);
    expect(user.strays).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('Completed: acknowledges with the Via, Route and CSeq of the INVITE, and the To of the response (17.1.1.3)', () => {
    const { layer, flow, client } = start('UDP');
    const invite = requestOf(flow);
    layer.receive(answer(invite, 486, 'busy'), flow);
    const ack = requestOf(flow);
    expect(ack.method).toBe('ACK');
    expect(ack.uri).toBe(invite.uri);
    expect(ack.headers.getAll('Via')).toEqual(invite.headers.getAll('Via'));
    expect(ack.headers.getAll('Route')).toEqual(['<sip:p1.test;lr>', '<sip:p2.test;lr>']);
    expect(ack.headers.get('From')).toBe(invite.headers.get('From'));
    expect(ack.headers.get('To')).toBe('<sip:bob@domain.test>;tag=busy');
    expect(ack.headers.get('Call-ID')).toBe('call-1');
    expect(ack.headers.get('CSeq')).toBe('7 ACK');
    expect(client.statuses).toEqual([486]);
  });

  it('Completed: acknowledges a retransmitted final response until Timer D, without reporting it', () => {
    const { user, layer, flow, client } = start('UDP');
    const busy = answer(flow.last(), 486);
    const late = answer(flow.last(), 180);
    const accepted = answer(flow.last(), 200);
    layer.receive(busy, flow);
    vi.advanceTimersByTime(31_999);
    layer.receive(busy, flow);
    layer.receive(late, flow);
    layer.receive(accepted, flow);
    expect(flow.lines).toEqual(['INVITE', 'ACK', 'ACK']);
    expect(client.statuses).toEqual([486]);
    vi.advanceTimersByTime(1);
    layer.receive(busy, flow);
    expect(user.strays).toEqual([busy]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('Timer D is zero over a reliable transport', () => {
    const { user, layer, flow, client } = start('TCP');
    const busy = answer(flow.last(), 486);
    layer.receive(busy, flow);
    layer.receive(busy, flow);
    expect(flow.lines).toEqual(['INVITE', 'ACK']);
    expect(client.statuses).toEqual([486]);
    expect(user.strays).toEqual([busy]);
  });

  it('Calling and Proceeding: fail when the flow is lost; Accepted and Completed do not', async () => {
    for (const [status, failures] of [
      [undefined, 1],
      [180, 1],
      [200, 0],
      [486, 0],
    ] as const) {
      const { layer, flow, client } = start('UDP');
      if (status !== undefined) layer.receive(answer(flow.last(), status), flow);
      layer.flowClosed(flow);
      expect(client.failures).toHaveLength(failures);
      expect(vi.getTimerCount()).toBe(0);
    }
  });

  it('reports no failure of the ACK after the final response', async () => {
    const { layer, flow, client } = start('UDP');
    const busy = answer(flow.last(), 486);
    flow.closed = true;
    layer.receive(busy, flow);
    await vi.advanceTimersByTimeAsync(0);
    expect(client.statuses).toEqual([486]);
    expect(client.failures).toEqual([]);
  });

  it('fails when the INVITE cannot be sent', async () => {
    const flow = new MemoryFlow('TCP');
    flow.closed = true;
    const client = new ClientRecorder();
    new TransactionLayer(new Recorder()).send(request('INVITE'), flow, client);
    await vi.advanceTimersByTimeAsync(0);
    expect(client.failures).toEqual([expect.any(TransportError)]);
  });

  describe('cancel (RFC 3261 9.1)', () => {
    it('waits for a provisional response, then sends CANCEL in the same branch, once', () => {
      const { layer, flow, client, transaction } = start('TCP');
      const invite = requestOf(flow);
      transaction.cancel([['Reason', 'SIP;cause=200']]);
      transaction.cancel();
      expect(flow.lines).toEqual(['INVITE']);
      layer.receive(answer(invite, 180), flow);
      transaction.cancel();
      expect(flow.lines).toEqual(['INVITE', 'CANCEL']);
      const cancel = requestOf(flow);
      expect(cancel.uri).toBe(invite.uri);
      expect(cancel.headers.getAll('Via')).toEqual(invite.headers.getAll('Via'));
      expect(cancel.headers.get('To')).toBe(invite.headers.get('To'));
      expect(cancel.headers.get('CSeq')).toBe('7 CANCEL');
      expect(cancel.headers.getAll('Route')).toEqual(invite.headers.getAll('Route'));
      expect(cancel.headers.get('Reason')).toBe('SIP;cause=200');
      layer.receive(answer(cancel, 200), flow);
      layer.receive(answer(invite, 487), flow);
      expect(client.statuses).toEqual([180, 487]);
      expect(flow.lines).toEqual(['INVITE', 'CANCEL', 'ACK']);
      expect(vi.getTimerCount()).toBe(0);
    });

    it('is sent at once after a provisional response, and retransmitted over UDP', () => {
      const { layer, flow, transaction } = start('UDP');
      layer.receive(answer(flow.last(), 180), flow);
      transaction.cancel();
      vi.advanceTimersByTime(500);
      expect(flow.lines).toEqual(['INVITE', 'CANCEL', 'CANCEL']);
    });

    it('is never sent after a final response', () => {
      const { layer, flow, transaction } = start('TCP');
      const invite = requestOf(flow);
      transaction.cancel();
      layer.receive(answer(invite, 200), flow);
      layer.receive(answer(invite, 180), flow);
      transaction.cancel();
      expect(flow.lines).toEqual(['INVITE']);
    });

    it('ends the INVITE 64*T1 later when no final response follows', () => {
      const { layer, flow, client, transaction } = start('UDP');
      layer.receive(answer(flow.last(), 180), flow);
      transaction.cancel();
      layer.receive(answer(flow.last(), 200), flow);
      vi.advanceTimersByTime(32_000);
      expect(client.failures).toEqual([expect.any(TimeoutError)]);
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  it('abandon: no callback, but the final response still gets its ACK', () => {
    const { layer, flow, client, transaction } = start('UDP');
    const invite = requestOf(flow);
    layer.receive(answer(invite, 180), flow);
    transaction.cancel();
    transaction.abandon();
    layer.receive(answer(invite, 487), flow);
    expect(flow.lines).toEqual(['INVITE', 'CANCEL', 'ACK']);
    expect(client.statuses).toEqual([180]);
  });
});
