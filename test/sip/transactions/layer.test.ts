import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TransportError } from '../../../core/errors.js';
import { buildResponse } from '../../../core/sip/message/writer.js';
import { TransactionLayer } from '../../../core/sip/transactions/layer.js';
import { answer, branchVia, ClientRecorder, MemoryFlow, onlyOne, Recorder, request } from './memory-flow.js';

describe('transaction layer', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  describe('matching of requests (RFC 3261 17.2.3)', () => {
    it.each([
      ['another branch', branchVia('2'), 'MESSAGE'],
      ['another sent-by host', branchVia('1', '192.0.2.3:5060'), 'MESSAGE'],
      ['another sent-by port', branchVia('1', '192.0.2.2:5062'), 'MESSAGE'],
      ['another method', branchVia('1'), 'OPTIONS'],
    ])('%s is another transaction', (_what, via, method) => {
      const user = new Recorder();
      const layer = new TransactionLayer(user);
      const flow = new MemoryFlow('UDP');
      layer.receive(request('MESSAGE', { via: branchVia('1') }), flow);
      layer.receive(request(method, { via }), flow);
      expect(user.transactions).toHaveLength(2);
      layer.close();
    });

    it('compares sent-by case-insensitively', () => {
      const user = new Recorder();
      const layer = new TransactionLayer(user);
      const flow = new MemoryFlow('UDP');
      layer.receive(request('MESSAGE', { via: branchVia('1', 'host.test') }), flow);
      layer.receive(request('MESSAGE', { via: branchVia('1', 'HOST.test') }), flow);
      expect(user.transactions).toHaveLength(1);
      layer.close();
    });

    it.each(['', ';branch=1'])(
      'matches a request of an RFC 2543 client (Via%s) by all its values',
      (branch) => {
        const user = new Recorder();
        const layer = new TransactionLayer(user);
        const flow = new MemoryFlow('UDP');
        const via = `SIP/2.0/UDP 192.0.2.2:5060${branch};rport=5060`;
        layer.receive(request('INVITE', { via }), flow);
        layer.receive(request('INVITE', { via }), flow);
        const transaction = onlyOne(user.transactions);
        layer.receive(request('INVITE', { via, cseq: 2 }), flow);
        layer.receive(request('INVITE', { via, callId: 'other' }), flow);
        layer.receive(request('INVITE', { via, uri: 'sip:alice@domain.test' }), flow);
        expect(user.transactions).toHaveLength(4);
        transaction.respond(buildResponse(transaction.request, 486, { toTag: 'b1' }));
        layer.receive(request('ACK', { via, toTag: 'b1' }), flow);
        vi.advanceTimersByTime(1000);
        expect(flow.lines.filter((line) => line === 486)).toHaveLength(1);
        layer.close();
      },
    );
  });

  describe('the destination of responses (RFC 3261 §18.2.2, RFC 3581)', () => {
    const respond = (transport: 'UDP' | 'TCP', via: string) => {
      const user = new Recorder();
      const layer = new TransactionLayer(user);
      const flow = new MemoryFlow(transport, { host: '198.51.100.7', port: 40_000 });
      layer.receive(request('MESSAGE', { via }), flow);
      const transaction = onlyOne(user.transactions);
      transaction.respond(buildResponse(transaction.request, 200));
      layer.close();
      return { back: flow.lines, others: [...flow.others.keys()] };
    };

    it.each([
      [
        'rport: to the source',
        'SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1;received=198.51.100.7;rport=40000',
        [],
      ],
      [
        'no rport: to the source address and the port of sent-by',
        'SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1;received=198.51.100.7',
        ['198.51.100.7:5062'],
      ],
      [
        'no rport, no port: 5060',
        'SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;received=198.51.100.7',
        ['198.51.100.7:5060'],
      ],
      ['no rport, the same port', 'SIP/2.0/UDP 198.51.100.7:40000;branch=z9hG4bK1', []],
      ['maddr is not followed', 'SIP/2.0/UDP 198.51.100.7:40000;branch=z9hG4bK1;maddr=203.0.113.9', []],
    ])('UDP, %s', (_what, via, others) => {
      expect(respond('UDP', via)).toEqual({ back: others.length === 0 ? [200] : [], others });
    });

    it('over a connection: the same connection', () => {
      expect(respond('TCP', 'SIP/2.0/TCP 10.0.0.1:5062;branch=z9hG4bK1')).toEqual({
        back: [200],
        others: [],
      });
    });
  });

  describe('merged requests (RFC 3261 8.2.2.2)', () => {
    it('answers 482 to a copy that arrives by another path', () => {
      const user = new Recorder();
      const layer = new TransactionLayer({ ...user, detectMerged: true });
      const flow = new MemoryFlow('UDP');
      layer.receive(request('MESSAGE', { via: branchVia('1') }), flow);
      layer.receive(request('MESSAGE', { via: branchVia('2') }), flow);
      layer.receive(request('MESSAGE', { via: branchVia('2') }), flow);
      expect(flow.lines).toEqual([482, 482]);
      onlyOne(user.transactions).respond(buildResponse(onlyOne(user.transactions).request, 200));
      layer.receive(request('MESSAGE', { via: branchVia('3') }), flow);
      expect(flow.lines).toEqual([482, 482, 200, 482]);
      layer.close();
    });

    it('accepts a request with another number or another Call-ID, within a dialog, or after the transaction ended', () => {
      const user = new Recorder();
      const layer = new TransactionLayer({ ...user, detectMerged: true });
      const flow = new MemoryFlow('TCP');
      layer.receive(request('MESSAGE', { via: branchVia('1') }), flow);
      layer.receive(request('MESSAGE', { via: branchVia('2'), cseq: 2 }), flow);
      layer.receive(request('MESSAGE', { via: branchVia('3'), callId: 'call-2' }), flow);
      layer.receive(request('MESSAGE', { via: branchVia('4'), toTag: 'b1' }), flow);
      layer.receive(request('MESSAGE', { via: branchVia('5'), toTag: 'b1' }), flow);
      expect(user.transactions).toHaveLength(5);
      const [first] = user.transactions;
      first?.respond(buildResponse(first.request, 200));
      layer.receive(request('MESSAGE', { via: branchVia('6') }), flow);
      expect(user.transactions).toHaveLength(6);
      layer.close();
    });

    it('delivers both copies for a proxy', () => {
      const user = new Recorder();
      const layer = new TransactionLayer(user);
      const flow = new MemoryFlow('UDP');
      layer.receive(request('MESSAGE', { via: branchVia('1') }), flow);
      layer.receive(request('MESSAGE', { via: branchVia('2') }), flow);
      expect(user.transactions).toHaveLength(2);
      layer.close();
    });
  });

  it('reports an ACK without a transaction, and never answers it', () => {
    const user = new Recorder();
    const layer = new TransactionLayer(user);
    const flow = new MemoryFlow('UDP');
    layer.receive(request('ACK', { via: branchVia('1'), toTag: 'b1' }), flow);
    expect(user.acks).toHaveLength(1);
    expect(flow.sent).toEqual([]);
  });

  it('reports a response without a transaction: branch and method must match (17.1.3)', () => {
    const user = new Recorder();
    const layer = new TransactionLayer(user);
    const flow = new MemoryFlow('TCP');
    const client = new ClientRecorder();
    layer.send(request('MESSAGE'), flow, client);
    const wrongMethod = answer(flow.last(), 200);
    wrongMethod.headers.set('CSeq', '1 OPTIONS');
    const wrongBranch = answer(flow.last(), 200);
    wrongBranch.headers.set('Via', branchVia('other'));
    const noVia = answer(flow.last(), 200);
    noVia.headers.delete('Via');
    for (const response of [wrongMethod, wrongBranch, noVia]) layer.receive(response, flow);
    expect(user.strays).toHaveLength(3);
    expect(client.responses).toEqual([]);
    layer.close();
  });

  it('matches the responses of 10,000 client transactions in any order', () => {
    const layer = new TransactionLayer(new Recorder());
    const flow = new MemoryFlow('UDP');
    const clients = Array.from({ length: 10_000 }, (_, number) => {
      const client = new ClientRecorder();
      layer.send(request('MESSAGE', { callId: `call-${number}` }), flow, client);
      return client;
    });
    const responses = flow.sent.map((sent, number) => answer(sent, 200 + (number % 7)));
    for (let at = 0; at < responses.length; at++) {
      // 7919 is coprime to 10,000: every response once, in an order far from that of the requests.
      const response = responses[(at * 7919) % responses.length];
      if (response) layer.receive(response, flow);
    }
    for (const [number, { responses }] of clients.entries()) {
      const { status, headers } = onlyOne(responses);
      expect(status).toBe(200 + (number % 7));
      expect(headers.get('Call-ID')).toBe(`call-${number}`);
    }
    layer.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('delivers and answers each request once if a fifth of all datagrams is lost in both directions', () => {
    /** The generator of Park and Miller: the same losses in every run. */
    let seed = 42;
    const lost = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % 5 === 0;
    };
    class LossyFlow extends MemoryFlow {
      deliver: (flow: MemoryFlow) => void = () => {};
      override send(bytes: Uint8Array): void {
        super.send(bytes);
        if (!lost()) this.deliver(this);
      }
    }
    const [up, down] = [new LossyFlow('UDP'), new LossyFlow('UDP')];
    const delivered = new Map<string, number>();
    const server = new TransactionLayer({
      onRequest(transaction) {
        const callId = transaction.request.headers.get('Call-ID') ?? '';
        delivered.set(callId, (delivered.get(callId) ?? 0) + 1);
        transaction.respond(buildResponse(transaction.request, 200));
      },
      detectMerged: true,
    });
    const client = new TransactionLayer(new Recorder());
    up.deliver = (flow) => server.receive(flow.last(), down);
    down.deliver = (flow) => client.receive(flow.last(), up);
    const users = Array.from({ length: 1000 }, (_, number) => {
      const user = new ClientRecorder();
      client.send(request('MESSAGE', { callId: `call-${number}` }), up, user);
      return user;
    });
    vi.advanceTimersByTime(32_000);
    expect(users.map(({ statuses }) => statuses)).toEqual(users.map(() => [200]));
    expect([...delivered.values()]).toEqual(users.map(() => 1));
    expect(up.sent.length).toBeGreaterThan(1200);
    client.close();
    server.close();
  });

  describe('bounds its server transactions in bytes', () => {
    const KIB = 1024;
    const from = (host: string, transport: 'UDP' | 'TCP' = 'UDP') =>
      new MemoryFlow(transport, { host, port: 5060 });
    /** A request of more than 30 KiB. */
    const large = (branch: string) => {
      const one = request('MESSAGE', { via: branchVia(branch), callId: `call-${branch}` });
      one.headers.set('From', `"${'x'.repeat(30 * KIB)}" <sip:psa@domain.test>;tag=a1`);
      return one;
    };
    const small = (branch: string) =>
      request('MESSAGE', { via: branchVia(branch), callId: `call-${branch}` });

    it('answers 500 with Retry-After to a peer with too many unanswered requests, and serves others', () => {
      const user = new Recorder();
      const layer = new TransactionLayer({
        ...user,
        serverLimits: { total: 1024 * KIB, perPeer: 128 * KIB },
      });
      const attacker = from('192.0.2.66');
      for (let number = 1; number <= 10; number++) layer.receive(large(String(number)), attacker);
      expect(user.transactions).toHaveLength(4);
      expect(attacker.lines).toEqual([500, 500, 500, 500, 500, 500]);
      expect(attacker.sent[0]?.headers.get('Retry-After')).toBe('30');
      // Without state: a retransmission gets the same answer.
      layer.receive(large('10'), attacker);
      expect(attacker.sent.at(-1)).toEqual(attacker.sent.at(-2));
      layer.receive(small('b'), from('192.0.2.2'));
      expect(user.transactions).toHaveLength(5);
      // An answer makes room.
      const [first] = user.transactions;
      first?.respond(buildResponse(request('MESSAGE', { via: branchVia('1') }), 200));
      layer.receive(large('10'), attacker);
      expect(user.transactions).toHaveLength(6);
      layer.close();
    });

    it('ends refused INVITEs without an ACK early, but no accepted ones', () => {
      const user = new Recorder();
      const limits = { total: 1024 * KIB, perPeer: 16 * KIB };
      const layer = new TransactionLayer({ ...user, serverLimits: limits });
      const flow = from('192.0.2.66');
      const invite = (branch: string) =>
        request('INVITE', { via: branchVia(branch), callId: `call-${branch}` });
      const answerAll = (status: number) => {
        for (const transaction of user.transactions)
          transaction.respond(buildResponse(transaction.request, status, { toTag: 'b' }), {
            untilAcknowledged: true,
          });
      };
      for (let number = 1; number <= 100; number++) {
        layer.receive(invite(`r${number}`), flow);
        answerAll(486);
      }
      expect(user.transactions).toHaveLength(100);
      for (let number = 1; number <= 100; number++) {
        layer.receive(invite(`a${number}`), flow);
        answerAll(200);
      }
      const accepted = user.transactions.length - 100;
      expect(accepted).toBeGreaterThan(5);
      expect(accepted).toBeLessThan(16);
      layer.close();
      expect(vi.getTimerCount()).toBe(0);
    });

    it('keeps the latest responses of a peer that sends many requests', () => {
      const layer = new TransactionLayer({
        onRequest: (transaction) =>
          transaction.respond(buildResponse(transaction.request, 200, { toTag: 'b' })),
        serverLimits: { total: 4096 * KIB, perPeer: 1024 * KIB },
      });
      const attacker = from('192.0.2.66');
      const benign = from('192.0.2.2');
      layer.receive(small('b'), benign);
      for (let number = 1; number <= 1000; number++) layer.receive(large(String(number)), attacker);
      expect(attacker.lines).toEqual(Array.from({ length: 1000 }, () => 200));
      // A response has 30 KiB: timers are left for those in 1 MiB.
      expect(vi.getTimerCount()).toBeLessThan(40);
      expect(vi.getTimerCount()).toBeGreaterThan(25);
      layer.receive(small('b'), benign);
      expect(benign.lines).toEqual([200, 200]);
      layer.close();
      expect(vi.getTimerCount()).toBe(0);
    });

    it('ends transactions of the peer with the most when all peers together have too many', () => {
      const user = new Recorder();
      const layer = new TransactionLayer({
        ...user,
        serverLimits: { total: 256 * KIB, perPeer: 160 * KIB },
      });
      const attackers = [from('192.0.2.66'), from('192.0.2.67')];
      for (let number = 1; number <= 10; number++)
        layer.receive(large(String(number)), attackers[number % 2] ?? from(''));
      const benign = from('192.0.2.2');
      for (let number = 1; number <= 30; number++) layer.receive(small(`b${number}`), benign);
      const own = user.transactions.filter(({ flow }) => flow === benign);
      expect(own).toHaveLength(30);
      for (const transaction of own) transaction.respond(buildResponse(transaction.request, 200));
      expect(benign.lines).toEqual(Array.from({ length: 30 }, () => 200));
      layer.close();
    });

    it('hashes long keys', () => {
      const user = new Recorder();
      const layer = new TransactionLayer(user);
      const flow = from('192.0.2.2');
      const branch = 'x'.repeat(20 * KIB);
      for (const end of ['1', '1', '2'])
        layer.receive(request('MESSAGE', { via: branchVia(branch + end) }), flow);
      expect(user.transactions).toHaveLength(2);
      layer.close();
    });
  });

  it('close fails client transactions, leaves no timer, and drops later messages', () => {
    const user = new Recorder();
    const layer = new TransactionLayer(user);
    const flow = new MemoryFlow('UDP');
    const client = new ClientRecorder();
    layer.send(request('MESSAGE'), flow, client);
    layer.send(request('INVITE'), flow, client);
    layer.receive(request('MESSAGE', { via: branchVia('1') }), flow);
    layer.receive(request('INVITE', { via: branchVia('2') }), flow);
    layer.close();
    expect(client.failures).toEqual([expect.any(TransportError), expect.any(TransportError)]);
    expect(vi.getTimerCount()).toBe(0);
    layer.receive(request('MESSAGE', { via: branchVia('3') }), flow);
    expect(user.transactions).toHaveLength(2);
  });

  it('derives timers from the configured T1', () => {
    const layer = new TransactionLayer({ ...new Recorder(), timers: { T1: 10 } });
    const client = new ClientRecorder();
    layer.send(request('MESSAGE'), new MemoryFlow('UDP'), client);
    vi.advanceTimersByTime(640);
    expect(client.failures).toHaveLength(1);
  });
});
