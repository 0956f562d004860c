/** A dialog (RFC 3261 §12): the state that both ends of a session share. */

import { NO_BODY, SipHeaders, type SipRequest, type SipResponse } from '../message/message.js';
import { parseNameAddr } from '../values/name-addr.js';
import { isSecure, SipUri } from '../values/uri.js';

interface DialogState {
  /** This end sent the INVITE, and created the Call-ID. */
  ownsCallId: boolean;
  callId: string;
  /** From and To as this end sends them, with their tags. */
  local: string;
  remote: string;
  /** Contact URI of the peer. */
  remoteTarget: string;
  /** Route headers of requests that this end sends. */
  routeSet: readonly string[];
  localCSeq: number;
  /** Undefined until the peer has sent a request. */
  remoteCSeq: number | undefined;
}

/** Identifies a dialog by a request from the peer: Call-ID, our tag, its tag. */
function dialogKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId}\n${localTag}\n${remoteTag}`;
}

export class Dialog {
  readonly key: string;
  readonly #state: DialogState;
  readonly #remoteTag: string;

  private constructor(state: DialogState) {
    this.#state = state;
    this.#remoteTag = tagOf(state.remote);
    this.key = dialogKey(state.callId, tagOf(state.local), this.#remoteTag);
  }

  /** The dialog that our 2xx to `request` establishes (RFC 3261 §12.1.1). */
  static ofServer(request: SipRequest, response: SipResponse): Dialog {
    const { headers } = request;
    return new Dialog({
      ownsCallId: false,
      callId: headers.get('Call-ID') ?? '',
      local: response.headers.get('To') ?? '',
      remote: headers.get('From') ?? '',
      remoteTarget: contactUri(headers) ?? '',
      routeSet: headers.getAll('Record-Route'),
      localCSeq: 0,
      remoteCSeq: request.headers.cseq?.number,
    });
  }

  /** The dialog that a 2xx to our `request` establishes (RFC 3261 §12.1.2). */
  static ofClient(request: SipRequest, response: SipResponse): Dialog {
    return new Dialog({
      ownsCallId: true,
      callId: request.headers.get('Call-ID') ?? '',
      local: request.headers.get('From') ?? '',
      remote: response.headers.get('To') ?? '',
      remoteTarget: contactUri(response.headers) ?? request.uri,
      routeSet: response.headers.getAll('Record-Route').reverse(),
      localCSeq: request.headers.cseq?.number ?? 0,
      remoteCSeq: undefined,
    });
  }

  /**
   * The dialog that a NOTIFY establishes for the subscriber (RFC 6665 §4.4.1).
   * @param localCSeq of the SUBSCRIBE.
   */
  static ofNotify({ headers }: SipRequest, localCSeq: number): Dialog {
    return new Dialog({
      ownsCallId: true,
      callId: headers.get('Call-ID') ?? '',
      local: headers.get('To') ?? '',
      remote: headers.get('From') ?? '',
      remoteTarget: contactUri(headers) ?? '',
      routeSet: headers.getAll('Record-Route'),
      localCSeq,
      remoteCSeq: undefined,
    });
  }

  /** This end began the dialog: its re-INVITE gives way to that of the peer (RFC 3261 §14.1). */
  get ownsCallId(): boolean {
    return this.#state.ownsCallId;
  }

  /** The destination of requests: the Contact of the peer. */
  get remoteTarget(): string {
    return this.#state.remoteTarget;
  }

  get remoteTag(): string {
    return this.#remoteTag;
  }

  /** The CSeq number of the next request of this end. */
  nextCSeq(): number {
    return ++this.#state.localCSeq;
  }

  /**
   * Composes a request within the dialog (RFC 3261 §12.2.1.1).
   * @param cseq of an ACK that of its INVITE; of other requests the next number.
   */
  request(method: string, cseq = this.nextCSeq()): SipRequest {
    const { callId, local, remote, remoteTarget, routeSet } = this.#state;
    const request: SipRequest = {
      method,
      uri: remoteTarget,
      headers: new SipHeaders()
        .set('Max-Forwards', '70')
        .set('From', local)
        .set('To', remote)
        .set('Call-ID', callId)
        .set('CSeq', `${cseq} ${method}`),
      body: NO_BODY,
    };
    request.nextHop = followRouteSet(request, routeSet) ?? remoteTarget;
    return request;
  }

  /** Records a request of the peer. False if it is out of order, which is answered 500 (RFC 3261 §12.2.2). */
  receive(request: SipRequest): boolean {
    const cseq = request.headers.cseq?.number ?? 0;
    const last = this.#state.remoteCSeq;
    if (request.method === 'ACK') return true;
    if (last !== undefined && cseq <= last) return false;
    this.#state.remoteCSeq = cseq;
    return true;
  }

  /** The 2xx to our INVITE confirms an early dialog: its route set replaces that of the provisional response (§13.2.2.4). */
  confirm(response: SipResponse): void {
    this.#state.routeSet = response.headers.getAll('Record-Route').reverse();
    this.refreshTarget(response);
  }

  /** A re-INVITE or its 2xx has another Contact of the peer. */
  refreshTarget(message: SipRequest | SipResponse): void {
    this.#state.remoteTarget = contactUri(message.headers) ?? this.#state.remoteTarget;
  }
}

/**
 * Adds Route to a request whose Request-URI is its target (RFC 3261 §12.2.1.1).
 * @returns the URI of the first route, which is the next hop; undefined without a readable one.
 */
export function followRouteSet(request: SipRequest, routeSet: readonly string[]): string | undefined {
  const [first = '', ...rest] = routeSet;
  const nameAddr = parseNameAddr(first);
  const router = SipUri.parse(nameAddr?.uri ?? '');
  // Without angle brackets, which Route requires (RFC 3261 §20.34), `lr` is read as a parameter of the header.
  if (router && !first.includes('<') && nameAddr?.parameters.has('lr')) {
    router.parameters.set('lr', undefined);
    request.headers.set('Route', [`<${router}>`, ...rest]);
    return router.toString();
  }
  if (!router || router.parameters.has('lr')) {
    request.headers.set('Route', routeSet);
    return router?.toString();
  }
  // A first route without lr is a strict router: it becomes the Request-URI, and the target the last route.
  request.headers.set('Route', [...rest, `<${request.uri}>`]);
  // RFC 3261 §19.1.1: not allowed in a Request-URI.
  router.parameters.delete('method');
  delete router.headers;
  request.uri = router.toString();
  return request.uri;
}

/** Whether a request is sent by `sips`: its Request-URI, first route, or first recorded route (RFC 3261 §8.1.1.8, §12.1.1). */
export function isToSecure({ uri, headers }: SipRequest): boolean {
  if (isSecure(uri)) return true;
  const route = headers.get('Route') ?? headers.get('Record-Route');
  return route !== undefined && isSecure(parseNameAddr(route)?.uri ?? '');
}

/** The key of the dialog of a received request. */
export function dialogKeyOf(request: SipRequest): string {
  const { headers } = request;
  return dialogKey(headers.get('Call-ID') ?? '', headers.to?.tag ?? '', headers.from?.tag ?? '');
}

export function tagOf(nameAddr: string): string {
  return parseNameAddr(nameAddr)?.tag ?? '';
}

/** The Contact as a Request-URI, which has no headers (RFC 3261 §19.1.1). Undefined if it is missing or malformed. */
export function contactUri(headers: SipHeaders): string | undefined {
  const text = parseNameAddr(headers.get('Contact') ?? '')?.uri ?? '';
  const uri = SipUri.parse(text);
  return uri?.headers === undefined ? uri && text : text.slice(0, -(uri.headers.length + 1));
}
