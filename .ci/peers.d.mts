export type Peer =
  | 'kamailio'
  | 'kamailio-presence'
  | 'kamailio-ims'
  | 'dnsmasq'
  | 'kannel'
  | 'sipp'
  | 'tshark'
  | 'libwbxml'
  | 'openssl'
  | 'baresip'
  | 'chromium';
export const PEERS: Record<Peer, { packages: string[]; commands: string[]; modules: string[] }>;
export function findCommand(name: string): string | undefined;
export function missingParts(peer: Peer): string[];
