/** Names and addresses: resolved by the system (the hosts file, then DNS), records of DNS, and blocks of addresses. */

// The default export: `setServers` does not change a named import of `getServers`.
import dns from 'node:dns';
import { lookup } from 'node:dns/promises';
import { BlockList, isIP, isIPv6 } from 'node:net';
// From the module, not the global: sockets are real in tests with a fake clock, too.
import { clearTimeout, setTimeout } from 'node:timers';
import { type DecodedPacket, decode, encode, type Packet, type Question, streamEncode } from 'dns-packet';
import { ConfigurationError, TransportError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import type { DnsAnswer, DnsRecords, DnsType, QueryDns } from '../dns.js';
import type { Platform } from '../platform.js';
import type { Address } from '../sockets.js';
import { openDatagram } from './datagram.js';
import { connectStream } from './stream-channel.js';

const PORT = 53;
/** Each of at most three servers is asked twice, as by the resolver of glibc. Milliseconds. */
const TRY_TIMEOUT = 2000;
const TRIES = 2;
const MAX_SERVERS = 3;
/** EDNS: avoids fragments (RFC 6891, DNS flag day 2020). */
const UDP_PAYLOAD = 1232;
/** A TCP answer has a length of two bytes. */
const MAX_STREAM = 65_537;
/** Of an answer without records and without SOA, seconds (RFC 2308 §5). */
const NEGATIVE_TTL = 60;
const RECURSION_DESIRED = 0x0100;
const RESPONSE = 'response';
const FINAL_CODES = new Set(['NOERROR', 'NXDOMAIN']);

/** The code is not in the types of dns-packet. */
type Response = DecodedPacket & { rcode?: string };

export const resolve: Platform['resolve'] = async (host) => {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw new TransportError(`the name ${host} does not resolve: ${reasonOf(error)}`, { cause: error });
  }
};

export const addressBlocks: Platform['addressBlocks'] = (blocks) => {
  const list = new BlockList();
  for (const block of blocks) {
    const [address = '', prefix, surplus] = withoutZone(block).split('/');
    const family = familyOf(address);
    try {
      if (surplus !== undefined || (prefix !== undefined && !/^\d{1,3}$/.test(prefix)))
        throw new RangeError();
      if (prefix === undefined) list.addAddress(address, family);
      else list.addSubnet(address, Number(prefix), family);
    } catch (error) {
      const expected = 'expected an IP address, or a range such as 192.0.2.0/24 or 2001:db8::/32';
      throw new ConfigurationError(`invalid address ${JSON.stringify(block)}: ${expected}`, { cause: error });
    }
  }
  return (host) => {
    const address = withoutZone(host);
    return isIP(address) !== 0 && list.check(address, familyOf(address));
  };
};

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

/** `fe80::1%eth0`: the zone of a link-local address is the name of an interface. */
function withoutZone(address: string): string {
  return address.replace(/%[^/]*/, '');
}

/** The resolver of Node.js does not return the TTL of SRV and NAPTR records. */
export const queryDns: QueryDns = async (name, type) => {
  const servers = dns.getServers().slice(0, MAX_SERVERS).map(serverAddress);
  let failure: unknown = new TransportError('the system has no DNS server');
  for (let attempt = 0; attempt < TRIES; attempt++) {
    for (const server of servers) {
      try {
        return answerOf(await ask(server, { name, type, class: 'IN' }), type);
      } catch (error) {
        failure = error;
      }
    }
  }
  throw new TransportError(`no answer of DNS to ${type} ${name}: ${reasonOf(failure)}`, { cause: failure });
};

/** `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353` */
function serverAddress(text: string): Address {
  const [, bracketed, ipv4, port] = /^(?:\[(.*)\]|([^:]*)):(\d+)$/.exec(text) ?? [];
  return { host: bracketed ?? ipv4 ?? text, port: port === undefined ? PORT : Number(port) };
}

async function ask(server: Address, question: Question): Promise<Response> {
  // The port of the socket is random as well, so an answer cannot be forged blindly (RFC 5452).
  const id = crypto.getRandomValues(new Uint16Array(1))[0] ?? 0;
  const query: Packet = {
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [question],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: UDP_PAYLOAD,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  };
  const response = await askUdp(server, query);
  return response.flag_tc ? await askTcp(server, query) : response;
}

async function askUdp(server: Address, query: Packet): Promise<Response> {
  const socket = await openDatagram({ remote: server });
  try {
    return await answered((accept, fail) => {
      socket.onmessage = (bytes) => accept(() => decode(Buffer.from(bytes)), query);
      socket.onerror = fail;
      socket.send(encode(query));
    });
  } finally {
    socket.close();
  }
}

async function askTcp(server: Address, query: Packet): Promise<Response> {
  const channel = await connectStream('tcp', server, {}, AbortSignal.timeout(TRY_TIMEOUT));
  let received = Buffer.alloc(0);
  try {
    return await answered((accept, fail) => {
      channel.ondata = (bytes) => {
        received = Buffer.concat([received, bytes]);
        const whole = received.length >= 2 && received.length >= 2 + received.readUInt16BE();
        if (whole) accept(() => decode(received.subarray(2)), query);
        else if (received.length > MAX_STREAM) fail(new TransportError('the answer is too long'));
      };
      channel.onclose = (error) => fail(error ?? new TransportError('the server closed the connection'));
      channel.send(streamEncode(query));
    });
  } finally {
    channel.destroy();
  }
}

/** Ignores messages that do not answer the query; the first valid answer ends the wait. */
function answered(
  start: (accept: (read: () => Response, query: Packet) => void, fail: (error: Error) => void) => void,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(
      () => reject(new TransportError(`no answer within ${TRY_TIMEOUT / 1000} s`)),
      TRY_TIMEOUT,
    );
    const end = (settle: () => void) => {
      clearTimeout(deadline);
      settle();
    };
    start(
      (read, query) => {
        try {
          const response = read();
          if (!isAnswerTo(response, query)) return;
          const { rcode = 'NOERROR' } = response;
          if (FINAL_CODES.has(rcode)) end(() => resolve(response));
          else end(() => reject(new TransportError(`the server answered ${rcode}`)));
        } catch {
          // Malformed: another answer may follow.
        }
      },
      (error) => end(() => reject(error)),
    );
  });
}

function isAnswerTo(response: Response, { id, questions: [asked] = [] }: Packet): boolean {
  const [question] = response.questions ?? [];
  return (
    response.type === RESPONSE &&
    response.id === id &&
    question?.type === asked?.type &&
    question?.name.toLowerCase() === asked?.name.toLowerCase()
  );
}

function answerOf<Type extends DnsType>(
  { answers = [], authorities = [] }: Response,
  type: Type,
): DnsAnswer<Type> {
  const found = answers.filter((answer) => answer.type === type);
  // The records behind a CNAME live as long as the CNAME.
  const ttls = answers.flatMap((answer) => ('ttl' in answer && answer.ttl !== undefined ? [answer.ttl] : []));
  // dns-packet types the data by the type of the record.
  if (found.length > 0)
    return { records: found.map((each) => recordOf(each)) as DnsRecords[Type][], ttl: Math.min(...ttls) };
  const negative = authorities.flatMap((each) =>
    each.type === 'SOA' ? [Math.min(each.ttl ?? 0, each.data.minimum ?? NEGATIVE_TTL)] : [],
  );
  return { records: [], ttl: Math.min(NEGATIVE_TTL, ...negative) };
}

function recordOf(answer: NonNullable<Packet['answers']>[number]): DnsRecords[DnsType] | undefined {
  switch (answer.type) {
    case 'SRV': {
      const { priority = 0, weight = 0, port, target } = answer.data;
      return { priority, weight, port, target };
    }
    case 'NAPTR':
      return answer.data;
    case 'A':
    case 'AAAA':
      return answer.data;
    default:
      return undefined;
  }
}
