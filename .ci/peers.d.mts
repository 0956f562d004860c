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
  | 'linphone'
  | 'tinyproxy'
  | 'chromium';
export const PEERS: Record<
  Peer,
  { packages: string[]; commands: string[]; modules: string[]; slow?: boolean }
>;
export function findCommand(name: string): string | undefined;
export function missingParts(peer: Peer): string[];
