/** What a user agent does with any request before its owner sees it (RFC 3261 8.2). */

import type { MalformedSip, RefusedRequest, SipRequest } from './message/message.js';
import { contactUri, tagOf } from './session/dialog.js';
import type { InviteSessions } from './session/invite-sessions.js';
import type { Subscriptions } from './subscription/subscriptions.js';
import type { ServerTransaction } from './transactions/server-machine.js';
import { parseNameAddr } from './values/name-addr.js';
import { buildResponse } from './wire/writer.js';

/**
 * Option tags of the extensions we know (RFC 3261 8.2.2.3). Not `timer`: a peer that wants a session refreshed does so
 * itself then, whatever refresher it asked for (RFC 4028 9), and we know a dead one by its MSRP connection. Not `100rel`:
 * our provisional responses say nothing that must arrive.
 */
const SUPPORTED = ['gruu', 'path', 'pref'];
const SCHEMES = new Set(['sip', 'sips', 'tel']);
/** Always there: OPTIONS is answered here unless its owner does, ACK and CANCEL belong to the transactions. */
const BASE_METHODS = ['OPTIONS'];

/** RFC 3261 8.2.1: methods that come with INVITE. */
const SESSION_METHODS = ['ACK', 'CANCEL', 'BYE'];

/** Those of them that `InviteSession` answers. */
const SESSION_REQUESTS = new Set(['INVITE', 'BYE']);

/** The body of an INVITE and of its answers. */
const SESSION_DESCRIPTION = 'application/sdp';

type Refusal = readonly [status: number, headers?: Iterable<[string, string]>];

export interface UserAgentServerOptions {
  /** Value of Server. */
  product: string;
  /** Methods handed to `onRequest`; OPTIONS is answered here where it is none of them, and within a session. */
  methods: readonly string[];
  /** Media types for the Accept of an OPTIONS answer. */
  accept(): readonly string[];
  onRequest(transaction: ServerTransaction): void;
  /** A request that was turned away before any application saw it. */
  onRefused?(refused: RefusedRequest): void;
}

export class UserAgentServer {
  /** Value of our Allow header. */
  readonly allow: string;
  /** The same of our INVITE and its answers: within a session, its own methods are taken from whoever began it. */
  readonly allowInSession: string;
  /** The same of our SUBSCRIBE: its NOTIFYs are taken. */
  readonly allowInSubscription: string;
  readonly #methods: ReadonlySet<string>;

  constructor(
    private readonly options: UserAgentServerOptions,
    private readonly sessions: InviteSessions,
    private readonly subscriptions: Subscriptions,
  ) {
    const invite = options.methods.includes('INVITE') ? SESSION_METHODS : [];
    this.#methods = new Set([...BASE_METHODS, ...options.methods, ...invite]);
    this.allow = [...this.#methods].join(', ');
    this.allowInSubscription = [...new Set([...this.#methods, 'NOTIFY'])].join(', ');
    this.allowInSession = [...new Set([...this.#methods, 'INVITE', ...SESSION_METHODS])].join(', ');
  }

  /** Taken outside of dialogs, or within. */
  get allMethods(): string[] {
    return [...new Set([...this.#methods, 'INVITE', ...SESSION_METHODS, 'NOTIFY'])];
  }

  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    const session = this.sessions.of(request);
    const subscription = this.subscriptions.of(request);
    const refusal = this.#refusal(request, session !== undefined, subscription !== undefined);
    if (refusal) {
      const [status, headers] = refusal;
      const response = buildResponse(request, status, { headers });
      transaction.respond(response);
      this.options.onRefused?.({
        method: request.method,
        status,
        reason: response.reason,
        from: fromUri(request),
      });
    } else if (request.method === 'OPTIONS' && (session || !this.options.methods.includes('OPTIONS'))) {
      session?.dialog.receive(request);
      this.#answerOptions(transaction, session ? this.allowInSession : this.allow);
    } else if (subscription) {
      subscription.receive(transaction);
    } else if (session) {
      session.receive(transaction);
    } else {
      this.options.onRequest(transaction);
    }
  }

  noteMalformed(error: MalformedSip): void {
    const { partial, status } = error;
    if (!partial) return;
    this.options.onRefused?.({
      method: partial.method,
      status,
      reason: error.message,
      from: fromUri(partial),
    });
  }

  /** In the order of RFC 3261 8.2. The user of the Request-URI is the core's business, not ours. */
  #refusal(request: SipRequest, inSession: boolean, inSubscription: boolean): Refusal | undefined {
    const { method, uri, headers } = request;
    // RFC 6665 4.1.3: a NOTIFY that belongs to no subscription.
    if (method === 'NOTIFY' && !inSubscription) return [481];
    // 15.1.2, whatever we take outside of sessions: it crossed ours.
    if (method === 'BYE' && !inSession) return [481];
    const known = inSubscription || this.#methods.has(method) || (inSession && SESSION_REQUESTS.has(method));
    if (!known) return [405, [['Allow', inSession ? this.allowInSession : this.allow]]];
    if (!SCHEMES.has(uri.slice(0, uri.indexOf(':')).toLowerCase())) return [416];
    const unknown = headers.getAll('Require').filter((tag) => !SUPPORTED.includes(tag.toLowerCase()));
    if (unknown.length > 0) return [420, [['Unsupported', unknown.join(', ')]]];
    // RFC 3261 8.1.1.8: without one no request could follow, not even our BYE.
    if (method === 'INVITE' && contactUri(headers) === undefined) return [400];
    if (method === 'INVITE' && this.sessions.closed) return [480];
    // RFC 3261 12.2.2: a dialog that we do not have. An OPTIONS asks whether it is still there.
    // Registrars copy To as it came, tag and all, when they register a user with a third party (TS B.1.1).
    const tagged = method !== 'REGISTER' && tagOf(headers.get('To') ?? '') !== '';
    return tagged && !inSession && !inSubscription ? [481] : undefined;
  }

  /** Headers of a 2xx to INVITE (13.3.1.4). */
  capabilities(): [name: string, value: string][] {
    return [
      ['Allow', this.allowInSession],
      ['Accept', SESSION_DESCRIPTION],
      ['Supported', SUPPORTED.join(', ')],
    ];
  }

  #answerOptions(transaction: ServerTransaction, allow: string): void {
    const described = this.#methods.has('INVITE') ? [SESSION_DESCRIPTION] : [];
    const accept = new Set([...this.options.accept(), ...described]);
    transaction.respond(
      buildResponse(transaction.request, 200, {
        headers: [
          ['Allow', allow],
          ['Accept', [...accept].join(', ')],
          ['Supported', SUPPORTED.join(', ')],
          ['Server', this.options.product],
        ],
      }),
    );
  }
}

/** The URI of a request's From, for people to read. */
export function fromUri(request: SipRequest): string {
  return parseNameAddr(request.headers.get('From') ?? '')?.uri ?? '';
}
