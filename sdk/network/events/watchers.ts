/** The registration event package (RFC 3680): accepts subscriptions to the registrations of users. */

import { REGINFO_TYPE } from '../../../core/content/reginfo.js';
import type { SipRequest, SipResponse } from '../../../core/sip/message/message.js';
import { buildResponse } from '../../../core/sip/message/writer.js';
import { contactUri, Dialog, dialogKeyOf } from '../../../core/sip/session/dialog.js';
import type { TransactionLayer } from '../../../core/sip/transactions/layer.js';
import type { ServerTransaction } from '../../../core/sip/transactions/server-machine.js';
import type { SipFlow } from '../../../core/sip/transport/flow.js';
import { parseDeltaSeconds } from '../../../core/sip/values/parameters.js';
import { SipUri } from '../../../core/sip/values/uri.js';
import { DueQueue } from '../../../core/time/due-queue.js';
import type { FlowTable } from '../flow-table.js';
import { copyOf, removeOwnRoutes } from '../proxy/route-headers.js';
import type { Router } from '../proxy/router.js';
import type { Account, Accounts } from '../registrar/accounts.js';
import type { Caller, Callers } from '../registrar/caller.js';
import type { TemporaryGruus } from '../registrar/gruu.js';
import type { LocationChange, LocationStore } from '../registrar/location.js';
import { MIN_EXPIRES } from '../registrar/registrar.js';
import { Watcher } from './watcher.js';

/** Default (RFC 3680 §4.4) and longest duration of a subscription, seconds. */
const DEFAULT_EXPIRES = 3761;
const MAX_EXPIRES = 86_400;
/** Subscriptions of all users, each a few KB; and to one user, each of which gets every change. */
const MAX_WATCHERS = 100_000;
const MAX_WATCHERS_OF_USER = 100;

type Header = readonly [name: string, value: string];
type Refusal = readonly [status: number, headers?: readonly Header[]];

export interface WatchersOptions {
  accounts: Accounts;
  callers: Callers;
  location: LocationStore;
  temporaryGruus: TemporaryGruus;
  flows: FlowTable;
  router: Router;
  layer: TransactionLayer;
  /** Identities of users that can subscribe to the registrations of all users. */
  allowed: readonly string[];
}

export class Watchers {
  readonly #byDialog = new Map<string, Watcher>();
  readonly #byUser = new Map<string, Set<Watcher>>();
  readonly #expiry = new DueQueue<Watcher>((watcher) => watcher.expiresAt, {
    now: () => performance.now(),
    onDue: (watcher) => watcher.end(),
  });
  #closed = false;

  constructor(private readonly options: WatchersOptions) {}

  /** Whether a request is a SUBSCRIBE to the package: for a user of this network, or within a dialog with it. */
  takes(request: SipRequest): boolean {
    const { method, headers, uri } = request;
    if (method !== 'SUBSCRIBE' || eventOf(request) !== 'reg') return false;
    const routed = copyOf(request);
    removeOwnRoutes(routed, this.options.router.isOurs);
    if (routed.headers.has('Route')) return false;
    const parsed = SipUri.parse(uri);
    const ours = parsed !== undefined && parsed.user === undefined && this.options.router.isOurs(parsed);
    const named = !parsed?.parameters.has('gr') && this.options.accounts.byIdentity(uri) !== undefined;
    return ours || (named && (headers.to?.tag ?? '') === '');
  }

  receive(transaction: ServerTransaction): void {
    const refusal = this.#accept(transaction);
    if (!refusal) return;
    const [status, headers = []] = refusal;
    transaction.respond(buildResponse(transaction.request, status, { headers }));
  }

  changed({ username, ended }: LocationChange): void {
    for (const watcher of [...(this.#byUser.get(username) ?? [])]) watcher.changed(ended);
  }

  close(): void {
    this.#closed = true;
    this.#expiry.clear();
    this.#byDialog.clear();
    this.#byUser.clear();
  }

  #accept(transaction: ServerTransaction): Refusal | undefined {
    const { request, flow } = transaction;
    const { callers } = this.options;
    const caller = callers.ofRequest(request, flow);
    if (caller.kind === 'challenge') {
      return [407, caller.values.map((value): Header => ['Proxy-Authenticate', value])];
    }
    const expires = Math.min(expiresOf(request), MAX_EXPIRES);
    if (expires > 0 && expires < MIN_EXPIRES) return [423, [['Min-Expires', String(MIN_EXPIRES)]]];
    if ((request.headers.to?.tag ?? '') !== '') return this.#refresh(transaction, expires);
    const account = this.options.accounts.byIdentity(request.uri);
    if (!account) return [404];
    if (!this.#isAllowed(caller, account)) return [403];
    const accept = request.headers
      .getAll('Accept')
      .map((type) => type.split(';', 1)[0]?.trim().toLowerCase());
    if (accept.length > 0 && !accept.some((type) => acceptsReginfo(type)))
      return [406, [['Accept', REGINFO_TYPE]]];
    // RFC 3261 §12.1.1: without a Contact no NOTIFY can be sent.
    if (contactUri(request.headers) === undefined) return [400];
    const ofUser = this.#byUser.get(account.username)?.size ?? 0;
    if (this.#byDialog.size >= MAX_WATCHERS || ofUser >= MAX_WATCHERS_OF_USER) {
      return [500, [['Retry-After', '60']]];
    }
    this.#begin(transaction, account, expires);
    return undefined;
  }

  /** 3GPP TS 24.229 §5.4.2.1.1: the user itself, trusted application servers, and configured identities. */
  #isAllowed(caller: Caller, watched: Account): boolean {
    const { accounts, allowed } = this.options;
    if (caller.kind === 'trusted') return true;
    if (caller.kind === 'unauthenticated') return false;
    const { account } = caller;
    return (
      accounts.open ||
      account.username === watched.username ||
      allowed.some((identity) => accounts.isIdentityOf(account, identity))
    );
  }

  #begin(transaction: ServerTransaction, account: Account, expires: number): void {
    const { request, flow } = transaction;
    const response = this.#granted(request, flow, expires);
    const dialog = Dialog.ofServer(request, response);
    const watcher = new Watcher(account, dialog, flow, {
      location: this.options.location,
      temporaryGruus: this.options.temporaryGruus,
      send: (notify, on) => this.#send(notify, on),
      contact: (on) => this.options.flows.address(on),
      ended: (ended) => this.#forget(ended),
    });
    transaction.respond(response);
    this.#byDialog.set(dialog.key, watcher);
    const { username } = account;
    this.#byUser.set(username, (this.#byUser.get(username) ?? new Set()).add(watcher));
    this.#keep(watcher, flow, expires);
  }

  #refresh(transaction: ServerTransaction, expires: number): Refusal | undefined {
    const { request, flow } = transaction;
    const watcher = this.#byDialog.get(dialogKeyOf(request));
    if (!watcher || watcher.ended) return [481];
    if (!watcher.dialog.receive(request)) return [500, [['Retry-After', '1']]];
    watcher.dialog.refreshTarget(request);
    transaction.respond(this.#granted(request, flow, expires));
    this.#keep(watcher, flow, expires);
    return undefined;
  }

  #keep(watcher: Watcher, flow: SipFlow, expires: number): void {
    this.#expiry.delete(watcher);
    watcher.expiresAt = performance.now() + expires * 1000;
    // RFC 6665 §4.4.3: with an Expires of 0, it ends, or is only a single request for the state.
    if (expires === 0) {
      watcher.end(flow);
      return;
    }
    this.#expiry.add(watcher);
    watcher.refreshed(flow);
  }

  #granted(request: SipRequest, flow: SipFlow, expires: number): SipResponse {
    return buildResponse(request, 200, {
      headers: [
        ...request.headers.getAll('Record-Route').map((route): Header => ['Record-Route', route]),
        ['Contact', `<${this.options.flows.address(flow)}>`],
        ['Expires', String(expires)],
      ],
    });
  }

  /** Sends it on the flow of the SUBSCRIBE; if that is lost, to the Contact. */
  async #send(notify: SipRequest, flow: SipFlow): Promise<SipResponse | undefined> {
    try {
      const next = flow.closed ? await this.#way(notify, flow) : flow;
      if (!next || this.#closed) return undefined;
      return await new Promise((resolve) => {
        this.options.layer.send(notify, next, {
          onResponse: (response) => {
            if (response.status >= 200) resolve(response);
          },
          onFailure: () => resolve(undefined),
        });
      });
    } catch {
      // The watcher is unreachable: it will subscribe again.
      return undefined;
    }
  }

  async #way(notify: SipRequest, lost: SipFlow): Promise<SipFlow | undefined> {
    const route = this.options.router.route(notify, lost, { kind: 'trusted' });
    const target = typeof route === 'object' && 'groups' in route ? route.groups[0]?.[0] : undefined;
    if (!target) return undefined;
    notify.uri = target.uri;
    for (const hop of [...target.route].reverse()) notify.headers.prepend('Route', hop);
    return await target.flow();
  }

  #forget(watcher: Watcher): void {
    this.#expiry.delete(watcher);
    this.#byDialog.delete(watcher.dialog.key);
    const { username } = watcher.account;
    const ofUser = this.#byUser.get(username);
    ofUser?.delete(watcher);
    if (ofUser?.size === 0) this.#byUser.delete(username);
  }
}

function eventOf({ headers }: SipRequest): string {
  return (headers.get('Event') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function expiresOf({ headers }: SipRequest): number {
  return parseDeltaSeconds(headers.get('Expires')) ?? DEFAULT_EXPIRES;
}

function acceptsReginfo(type: string | undefined): boolean {
  return type === REGINFO_TYPE || type === 'application/*' || type === '*/*';
}
