/** The records of the Domain Name System that locate SIP servers (RFC 3263). */

export type DnsType = 'A' | 'AAAA' | 'SRV' | 'NAPTR';

export interface SrvRecord {
  priority: number;
  weight: number;
  port: number;
  target: string;
}

export interface NaptrRecord {
  order: number;
  preference: number;
  flags: string;
  services: string;
  /** Name of the next records. */
  replacement: string;
}

export interface DnsRecords {
  A: string;
  AAAA: string;
  SRV: SrvRecord;
  NAPTR: NaptrRecord;
}

export interface DnsAnswer<Type extends DnsType = DnsType> {
  /** Empty if the name does not exist, or has no such records. */
  records: readonly DnsRecords[Type][];
  /** How long the answer can be kept, seconds. */
  ttl: number;
}

/** @throws TransportError if no DNS server answers. */
export type QueryDns = <Type extends DnsType>(name: string, type: Type) => Promise<DnsAnswer<Type>>;
