/** Reports registrations to application servers, by third-party REGISTER requests (3GPP TS 24.229 §5.4.1.7). */

import { randomBytes } from 'node:crypto';
import { NO_BODY, SipHeaders, type SipRequest } from '../../../core/sip/message/message.js';
import type { TransactionLayer } from '../../../core/sip/transactions/layer.js';
import type { SipFlow } from '../../../core/sip/transport/flow.js';
import type { SipUri } from '../../../core/sip/values/uri.js';
import type { FlowTable } from '../flow-table.js';
import type { Outbound } from '../outbound.js';
import type { LocationChange, LocationStore } from '../registrar/location.js';

export interface ThirdPartyOptions {
  domain: string;
  /** Addresses of the application servers. */
  servers: readonly SipUri[];
  location: LocationStore;
  flows: FlowTable;
  outbound: Outbound;
  layer: TransactionLayer;
}

/** The reports of one user to one application server. */
interface ServerReports {
  readonly server: SipUri;
  readonly callId: string;
  cseq: number;
  /** The registered identity. */
  identity: string;
  /** A REGISTER is pending: later changes are sent together in the next one. */
  pending: boolean;
  due: boolean;
}

export class ThirdPartyRegistrations {
  readonly #reports = new Map<string, readonly ServerReports[]>();
  #closed = false;

  constructor(private readonly options: ThirdPartyOptions) {}

  /** A user registered, refreshed, or lost its last contact. The end of one of several devices is not reported. */
  changed({ username, registered }: LocationChange): void {
    const { servers, location } = this.options;
    if (servers.length === 0) return;
    const last = location.bindings(username).size === 0;
    if (registered.length === 0 && !last) return;
    const reports = this.#reports.get(username) ?? servers.map((server) => newReports(server));
    this.#reports.set(username, reports);
    const [identity] = registered.map(({ addressOfRecord }) => addressOfRecord);
    for (const each of reports) {
      if (identity !== undefined) each.identity = identity;
      each.due = true;
      if (each.pending) continue;
      each.pending = true;
      // After the response to the REGISTER of the user, which is sent in this turn.
      queueMicrotask(() => void this.#report(username, each));
    }
  }

  close(): void {
    this.#closed = true;
    this.#reports.clear();
  }

  async #report(username: string, reports: ServerReports): Promise<void> {
    while (reports.due && !this.#closed) {
      reports.due = false;
      await this.#send(username, reports);
    }
    reports.pending = false;
    const all = this.#reports.get(username);
    const busy = all?.some(({ pending }) => pending);
    if (!busy && this.options.location.bindings(username).size === 0) this.#reports.delete(username);
  }

  /** An unreachable server is notified at the next refresh: the default handling continues without it. */
  async #send(username: string, reports: ServerReports): Promise<void> {
    const { outbound, layer } = this.options;
    try {
      const flow = await outbound.flowTo(reports.server);
      const request = this.#compose(username, reports, flow);
      await new Promise<void>((resolve) => {
        layer.send(request, flow, {
          onResponse: ({ status }) => {
            if (status >= 200) resolve();
          },
          onFailure: () => resolve(),
        });
      });
    } catch {
      // The server is unreachable.
    }
  }

  #compose(username: string, reports: ServerReports, flow: SipFlow): SipRequest {
    const { domain, location, flows } = this.options;
    const ends = Array.from(location.bindings(username), ({ expiresAt }) => expiresAt);
    const left = Math.max(0, ...ends.map((end) => Math.ceil((end - performance.now()) / 1000)));
    return {
      method: 'REGISTER',
      uri: reports.server.toString(),
      headers: new SipHeaders()
        .set('Max-Forwards', '70')
        .set('From', `<sip:${domain}>;tag=${randomBytes(8).toString('hex')}`)
        .set('To', `<${reports.identity}>`)
        .set('Call-ID', reports.callId)
        .set('CSeq', `${++reports.cseq} REGISTER`)
        .set('Contact', `<${flows.address(flow)}>`)
        .set('Expires', String(left)),
      body: NO_BODY,
    };
  }
}

function newReports(server: SipUri): ServerReports {
  return {
    server,
    callId: randomBytes(16).toString('hex'),
    cseq: 0,
    identity: '',
    pending: false,
    due: false,
  };
}
