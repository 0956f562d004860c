/** User agents and sessions with a scripted core. */

import type { SipRequest, SipResponse } from '../../../core/sip/message/message.js';
import type { InviteSession } from '../../../core/sip/session/invite-session.js';
import type { InviteHandlers, InviteOptions } from '../../../core/sip/session/outgoing-invite.js';
import type { ServerTransaction } from '../../../core/sip/transactions/server-machine.js';
import { SipUserAgent, type SipUserAgentOptions } from '../../../core/sip/user-agent.js';
import { until } from '../wait.js';
import { request } from './requests.js';
import { ScriptedCore } from './scripted-core.js';

export const ALICE = 'sip:alice@domain.test';
export const BOB = 'sip:bob@domain.test';
export const CONTACT: [string, string] = ['Contact', '<sip:alice@127.0.0.1:5099>'];

export type Closing = (() => Promise<unknown>)[];

/** An agent connected to a scripted core. */
export async function connected(
  closing: Closing,
  transport: 'udp' | 'tcp' = 'udp',
  more: Partial<SipUserAgentOptions> = {},
) {
  const core = await ScriptedCore[transport]();
  closing.push(() => core.close());
  const transactions: ServerTransaction[] = [];
  const agent = new SipUserAgent({
    identity: BOB,
    servers: [core.uri],
    product: 'test/1',
    methods: ['MESSAGE', 'INVITE'],
    accept: () => [],
    onRequest: (transaction) => transactions.push(transaction),
    ...more,
  });
  closing.push(() => {
    core.autoAnswered.add('BYE');
    return agent.stop();
  });
  await agent.start();
  // A scripted core can send to an agent only after it received a message from the agent.
  await roundTrip({ core, agent });
  return { core, agent, transactions };
}

export type Connected = Awaited<ReturnType<typeof connected>>;

/** A pending INVITE of the agent. */
export async function inviting(
  { core, agent }: Pick<Connected, 'core' | 'agent'>,
  handlers: InviteHandlers = {},
  options: InviteOptions = {},
) {
  const sessions: InviteSession[] = [];
  const answer = agent.invite(
    { uri: ALICE },
    { onSession: (session) => sessions.push(session), ...handlers },
    options,
  );
  // A test may await it later.
  answer.catch(() => {});
  return { answer, sessions, sent: await core.request('INVITE') };
}

/** Makes a round trip, after which the agent has received all earlier messages of the core. */
export async function roundTrip({ core, agent }: Pick<Connected, 'core' | 'agent'>): Promise<void> {
  const answer = agent.request({ method: 'OPTIONS', uri: 'sip:domain.test' });
  (await core.request('OPTIONS')).respond(200);
  await answer;
}

/** A session started by the agent. */
export async function calling(between: Pick<Connected, 'core' | 'agent'>) {
  const { answer: answering, sessions, sent } = await inviting(between);
  sent.respond(200, [CONTACT]);
  const answer = await answering;
  const { request: ack } = await between.core.request('ACK');
  const session = onlyOne(sessions);
  return { session, sent: sent.request, answer, ack, inDialog: peerOf(sent.request, answer, between.agent) };
}

/** A pending INVITE of the peer. */
export async function called({ core, transactions }: Connected, lines: readonly string[] = []) {
  const invite = request('INVITE', BOB, [`Contact: <sip:alice@127.0.0.1:${core.port}>`, ...lines]);
  const before = transactions.length;
  core.send(invite);
  await until(() => {
    if (transactions.length === before) throw new Error('no INVITE');
  });
  return { invite, transaction: onlyOne(transactions.slice(before)) };
}

/** A session started by the peer. */
export async function answering(between: Connected) {
  const { invite, transaction } = await called(between);
  const session = between.agent.accept(transaction);
  const answer = await between.core.response(invite.headers.get('Call-ID'), 200);
  const inDialog = (method: string, cseq: number, lines?: readonly string[]) =>
    within(between.agent, invite, answer.headers.get('To') ?? '', method, cseq, lines);
  return { session, transaction, invite, answer, inDialog };
}

/** Requests of the peer in a session started by the agent. */
function peerOf(invite: SipRequest, answer: SipResponse, agent: SipUserAgent) {
  return (method: string, cseq: number, lines: readonly string[] = [`${CONTACT[0]}: ${CONTACT[1]}`]) => {
    const next = request(method, agent.contact, lines);
    next.headers
      .set('Call-ID', invite.headers.get('Call-ID') ?? '')
      .set('From', answer.headers.get('To') ?? '')
      .set('To', invite.headers.get('From') ?? '')
      .set('CSeq', `${cseq} ${method}`);
    return next;
  };
}

function within(
  agent: SipUserAgent,
  invite: SipRequest,
  to: string,
  method: string,
  cseq: number,
  lines: readonly string[] = [`${CONTACT[0]}: ${CONTACT[1]}`],
): SipRequest {
  const next = request(method, agent.contact, lines);
  for (const name of ['Call-ID', 'From']) next.headers.set(name, invite.headers.get(name) ?? '');
  next.headers.set('To', to).set('CSeq', `${cseq} ${method}`);
  return next;
}

/** The CANCEL for a request of the peer. */
export function cancelOf(invite: SipRequest): SipRequest {
  const number = Number.parseInt(invite.headers.get('CSeq') ?? '', 10);
  const headers = invite.headers.clone().set('CSeq', `${number} CANCEL`);
  for (const name of ['Contact', 'Content-Type']) headers.delete(name);
  return { ...invite, method: 'CANCEL', headers, body: new Uint8Array(0) };
}

export function onlyOne<T>(values: readonly T[]): T {
  const [first, ...others] = values;
  if (first === undefined || others.length > 0) throw new Error(`expected one value, found ${values.length}`);
  return first;
}
