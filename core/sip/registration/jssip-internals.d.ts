/** What is used here of JsSIP 3.13.8's inner modules, for which it has no declarations that fit. */

declare module 'jssip/lib/Transport.js' {
  import type { Socket } from 'jssip/lib/Socket.js';

  /** Keeps a connection to one of several servers: in order of their weight, again and again, with backoff. */
  export default class Transport {
    /** @param recovery seconds between attempts, least and most. */
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

  /** Of Transactions.js, as RequestSender.js makes one for each request, and at once sends it. */
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

  /** What Registrator.js, RequestSender.js, Transactions.js and SIPMessage.js ask of a UA on the way of a REGISTER. */
  export interface UserAgent {
    /** `status` is none of these: only a UA that was closed is told apart. */
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
    /** Without either it answers no challenge. */
    password: null;
    ha1: null;
  }

  /** Decides when to REGISTER: again before it expires, and for longer where the registrar asks for that. */
  export default class Registrator {
    constructor(ua: UserAgent);
    readonly registered: boolean;
    register(): void;
    unregister(): void;
    onTransportClosed(): void;
  }
}
