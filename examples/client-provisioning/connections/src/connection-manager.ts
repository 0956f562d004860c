/** The service `connections.manager`, for applications that configure the device. */

/** A name and a secret for an access point, a proxy or a server. */
export interface Credentials {
  /** `PAP`, `CHAP`, `HTTP-BASIC` and so on. */
  readonly type?: string;
  readonly name?: string;
  readonly secret?: string;
}

/** An access point of a network. */
export interface AccessPoint {
  readonly id: string;
  readonly name?: string;
  /** `GSM-GPRS`, `GSM-CSD` and so on, the preferred first; any if empty. */
  readonly bearers: readonly string[];
  /** Access point name, or number to dial. */
  readonly address: string;
  /** `APN`, `E164`, `IPV4` and so on. */
  readonly addressType: string;
  /** Whether it leads to the Internet. */
  readonly internet: boolean;
  /** IP addresses of name servers. */
  readonly dns: readonly string[];
  readonly credentials: readonly Credentials[];
}

/** A proxy. */
export interface NetworkProxy {
  readonly id: string;
  readonly name?: string;
  readonly servers: readonly {
    /** IP address or host name. */
    readonly address: string;
    readonly ports: readonly number[];
    /** Ids of the access points that lead to it, the preferred first. */
    readonly accessPoints: readonly string[];
  }[];
  readonly credentials: readonly Credentials[];
}

export interface ConnectionManager {
  /**
   * Keeps access points and proxies. One with a known id replaces the earlier one, so that a repeated call has no further
   * effect. On disk when it resolves.
   */
  save(connections: {
    readonly accessPoints: readonly AccessPoint[];
    readonly proxies: readonly NetworkProxy[];
  }): Promise<void>;
}

declare module 'sip-push/sdk' {
  interface AppServices {
    'connections.manager': ConnectionManager;
  }
}
