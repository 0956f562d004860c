/** Declarations of the inner modules of JsSIP 3.13.8 that this package uses; JsSIP has none for them. */

declare module 'jssip/lib/Transport.js' {
  import type { Socket } from 'jssip/lib/Socket.js';

  /** Keeps a connection to one of several servers, in order of their weight, and reconnects with backoff. */
  export default class Transport {
    /** @param recovery shortest and longest seconds between attempts. */
    constructor(
      sockets: { socket: Socket; weight: number }[],
      recovery: { min_interval: number; max_interval: number },
    );
    onconnecting: () => void;
    onconnect: () => void;
    ondisconnect: () => void;
    connect(): void;
    disconnect(): void;
  }
}

declare module 'jssip/lib/URI.js' {
  export default class URI {
    constructor(scheme: 'sip', user: string | null, host: string);
  }
}

declare module 'jssip/lib/Registrator.js' {
  import type Transport from 'jssip/lib/Transport.js';
  import type URI from 'jssip/lib/URI.js';

  /** The class of Transactions.js; RequestSender.js creates one for each request and sends it at once. */
  export interface ClientTransaction {
    request: {
      call_id: string;
      cseq: number;
      from: { getParam(name: string): unknown };
      getHeader(name: string): string | undefined;
    };
    send(): void;
    eventHandlers: {
      onReceiveResponse(response: unknown): void;
      onRequestTimeout(): void;
      onTransportError(): void;
    };
  }

  /** The properties of a UA that Registrator.js, RequestSender.js, Transactions.js and SIPMessage.js use for a REGISTER. */
  export interface UserAgent {
    /** `status` differs from these values: JsSIP only tests for a closed UA. */
    C: { STATUS_USER_CLOSED: number };
    status: number;
    configuration: Configuration;
    _configuration: Configuration;
    transport: Transport;
    contact: { uri: { user: string }; toString(): string };
    listeners(event: string): readonly unknown[];
    newTransaction(transaction: ClientTransaction): void;
    registered(): void;
    unregistered(): void;
    registrationFailed(): void;
  }

  interface Configuration {
    registrar_server: URI;
    uri: URI;
    register_expires: number;
    instance_id: string;
    via_host: string;
    /** Without a password and ha1, JsSIP answers no challenge. */
    password: null;
    ha1: null;
  }

  /** Decides when to REGISTER: before the registration expires, and with a longer duration if the registrar requires it. */
  export default class Registrator {
    constructor(ua: UserAgent);
    readonly registered: boolean;
    register(): void;
    unregister(): void;
    onTransportClosed(): void;
  }
}
