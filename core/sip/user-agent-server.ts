/** The server of a user agent (RFC 3261 §8.2): refuses requests, answers OPTIONS, and delivers the others. */

import type { MalformedSipError } from './message/malformed-message.js';
import type { RefusedRequest, SipRequest } from './message/message.js';
import { buildResponse } from './message/writer.js';
import { contactUri } from './session/dialog.js';
import type { InviteSession } from './session/invite-session.js';
import type { InviteSessions } from './session/invite-sessions.js';
import { isTooShort, MIN_SE } from './session/session-timer.js';
import type { Subscription } from './subscription/subscription.js';
import type { Subscriptions } from './subscription/subscriptions.js';
import type { ServerTransaction } from './transactions/server-machine.js';

/**
 * Option tags that are supported (RFC 3261 §8.2.2.3). `100rel` requires nothing of this end, which sends only 100 before a
 * final response (RFC 3262 §3).
 */
const SUPPORTED = ['gruu', 'path', 'pref', 'timer', '100rel'];
const SCHEMES = new Set(['sip', 'sips', 'tel']);
/** Always supported: OPTIONS is answered here unless it is among `methods`; transactions handle ACK and CANCEL. */
const BASE_METHODS = ['OPTIONS'];

/** Methods that INVITE requires (RFC 3261 §8.2.1). */
const SESSION_METHODS = ['ACK', 'CANCEL', 'BYE', 'UPDATE', 'PRACK'];

/** Requests that `InviteSession` answers. */
const SESSION_REQUESTS = new Set(['INVITE', 'BYE', 'UPDATE', 'PRACK']);

/** Of them, those that exist only in a session: 481 without one (RFC 3261 §12.2.2, §15.1.2; RFC 3262 §3; RFC 3311 §5.2). */
const ONLY_IN_SESSION = new Set(['BYE', 'UPDATE', 'PRACK']);

/** The media type of the body of an INVITE and of its answers. */
const SESSION_DESCRIPTION = 'application/sdp';

type Refusal = readonly [status: number, headers?: Iterable<[string, string]>];

export interface UserAgentServerOptions {
  /** Value of Server. */
  product: string;
  /** Methods passed to `onRequest`. OPTIONS is answered here if it is not among them, and within a session. */
  methods: readonly string[];
  /** Media types for the Accept of an OPTIONS answer. */
  accept(): readonly string[];
  onRequest(transaction: ServerTransaction): void;
  /** A request was refused before `onRequest`. */
  onRefused?(refused: RefusedRequest): void;
}

export class UserAgentServer {
  /** Value of Allow outside of dialogs. */
  readonly allow: string;
  /** Value of Allow in our INVITE and its answers: a session accepts its own methods from either end. */
  readonly allowInSession: string;
  /** Value of Allow in our SUBSCRIBE: NOTIFY is accepted. */
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

  /** Methods accepted outside of dialogs or within. */
  get allMethods(): string[] {
    return [...new Set([...this.#methods, 'INVITE', ...SESSION_METHODS, 'NOTIFY'])];
  }

  /** A handler for a transaction layer. */
  readonly receive = (transaction: ServerTransaction): void => {
    const { request } = transaction;
    // Without a To tag, a request belongs to no dialog.
    const inDialog = (request.headers.to?.tag ?? '') !== '';
    const session = inDialog ? this.sessions.of(request) : undefined;
    const subscription = inDialog && request.method === 'NOTIFY' ? this.subscriptions.of(request) : undefined;
    if (inDialog && !session && request.method === 'UPDATE' && this.sessions.updateEarly(transaction)) return;
    const refusal = this.#refusal(request, inDialog, session, subscription);
    if (refusal) {
      this.#refuse(transaction, refusal);
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
  };

  /** Reports a malformed request as refused. */
  reportMalformed({ partial, status, message }: MalformedSipError): void {
    if (!partial) return;
    this.options.onRefused?.({ method: partial.method, status, reason: message, from: fromUri(partial) });
  }

  /** Headers of a 2xx to INVITE (RFC 3261 §13.3.1.4). */
  capabilities(): [name: string, value: string][] {
    return [
      ['Allow', this.allowInSession],
      ['Accept', SESSION_DESCRIPTION],
      ['Supported', SUPPORTED.join(', ')],
    ];
  }

  /** In the order of RFC 3261 §8.2. The core has checked the user of the Request-URI. */
  #refusal(
    request: SipRequest,
    inDialog: boolean,
    session: InviteSession | undefined,
    subscription: Subscription | undefined,
  ): Refusal | undefined {
    const { method, uri, headers } = request;
    // RFC 6665 §4.1.3: a NOTIFY without a subscription.
    if (method === 'NOTIFY' && !subscription) return [481];
    // Even if BYE is not among `methods`: it may have crossed ours.
    if (ONLY_IN_SESSION.has(method) && !session) return [481];
    const known = subscription || this.#methods.has(method) || (session && SESSION_REQUESTS.has(method));
    if (!known) return [405, [['Allow', session ? this.allowInSession : this.allow]]];
    if (!SCHEMES.has(uri.slice(0, uri.indexOf(':')).toLowerCase())) return [416];
    const unknown = headers.getAll('Require').filter((tag) => !SUPPORTED.includes(tag.toLowerCase()));
    if (unknown.length > 0) return [420, [['Unsupported', unknown.join(', ')]]];
    if ((method === 'INVITE' || method === 'UPDATE') && headers.has('Session-Expires')) {
      if (isTooShort(headers)) return [422, [['Min-SE', String(MIN_SE)]]];
    }
    // RFC 3261 §8.1.1.8: without a Contact no request could follow, not even our BYE.
    if (method === 'INVITE' && contactUri(headers) === undefined) return [400];
    if (method === 'INVITE' && this.sessions.closed) return [480];
    // RFC 3261 §12.2.2: the dialog is unknown; an OPTIONS can ask whether it still exists. Not for REGISTER: a registrar
    // copies To with its tag when it registers a user with a third party (TS B.1.1).
    const unknownDialog = inDialog && method !== 'REGISTER' && !session && !subscription;
    return unknownDialog ? [481] : undefined;
  }

  #refuse(transaction: ServerTransaction, [status, headers]: Refusal): void {
    const { request } = transaction;
    const response = buildResponse(request, status, { headers });
    transaction.respond(response);
    const { reason } = response;
    this.options.onRefused?.({ method: request.method, status, reason, from: fromUri(request) });
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

/** The URI of a request's From; '' if it is malformed. For logs and events. */
export function fromUri(request: SipRequest): string {
  return request.headers.from?.uri ?? '';
}
