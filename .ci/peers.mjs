/**
 * The third-party programs of the interop tests, and whether they are installed. Used by prepare.mjs, which installs
 * them, and by test/support/programs/peers.ts, which skips the tests of missing programs.
 */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * `packages` are Debian packages. `modules` are modules of Kamailio, which have separate packages. `slow` peers are those of
 * slow tests only, because their installation takes a minute.
 */
export const PEERS = {
  kamailio: {
    packages: ['kamailio', 'kamailio-tls-modules', 'kamailio-websocket-modules'],
    commands: ['kamailio'],
    modules: ['tls.so', 'websocket.so'],
  },
  'kamailio-presence': {
    packages: ['kamailio', 'kamailio-presence-modules'],
    commands: ['kamailio'],
    modules: ['presence_reginfo.so', 'pua_reginfo.so'],
  },
  'kamailio-ims': {
    packages: ['kamailio', 'kamailio-ims-modules', 'kamailio-presence-modules'],
    commands: ['kamailio'],
    modules: ['ims_registrar_scscf.so', 'ims_icscf.so', 'ims_ipsec_pcscf.so', 'cdp.so', 'presence.so'],
  },
  dnsmasq: { packages: ['dnsmasq-base'], commands: ['dnsmasq'], modules: [] },
  kannel: { packages: ['kannel'], commands: ['bearerbox', 'wapbox'], modules: [] },
  sipp: { packages: ['sip-tester'], commands: ['sipp'], modules: [] },
  tshark: { packages: ['tshark'], commands: ['tshark', 'dumpcap'], modules: [] },
  libwbxml: { packages: ['libwbxml2-utils'], commands: ['xml2wbxml', 'wbxml2xml'], modules: [] },
  openssl: { packages: ['openssl'], commands: ['openssl'], modules: [] },
  baresip: { packages: ['baresip-core'], commands: ['baresip'], modules: [] },
  linphone: { packages: ['linphone-cli'], commands: ['linphone-daemon'], modules: [], slow: true },
  tinyproxy: { packages: ['tinyproxy-bin'], commands: ['tinyproxy'], modules: [] },
  chromium: { packages: ['chromium'], commands: ['chromium'], modules: [] },
};

// A user's PATH often lacks sbin, where Debian puts Kamailio.
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

/** The path of a program, or undefined. */
export function findCommand(name) {
  return FOLDERS.filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** Names of the commands and modules of a peer that are not installed. */
export function missingParts(peer) {
  const { commands, modules } = PEERS[peer];
  const missing = [
    ...commands.filter((name) => findCommand(name) === undefined),
    ...modules.filter((name) => !moduleFolders().some((folder) => existsSync(join(folder, name)))),
  ];
  if (peer === 'tshark' && missing.length === 0 && !mayCapture())
    return ['permission to capture (dumpcap -L -i lo)'];
  return missing;
}

/** Users other than root need permission: `dpkg-reconfigure wireshark-common` and the group wireshark. */
function mayCapture() {
  return process.getuid?.() === 0 || spawnSync(findCommand('dumpcap'), ['-L', '-i', 'lo']).status === 0;
}

function moduleFolders() {
  return ['/usr/lib', '/usr/lib64', '/usr/local/lib', '/usr/local/lib64']
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => [folder, ...readdirSync(folder).map((name) => join(folder, name))])
    .map((folder) => join(folder, 'kamailio/modules'));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
