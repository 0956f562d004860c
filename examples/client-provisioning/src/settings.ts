/** The settings in a provisioning document: access points, proxies, bookmarks and accounts. */

import { MalformedError } from 'sip-push/formats';
import type { AccessPoint, Credentials, NetworkProxy } from 'sip-push-app-connections';
import { type Characteristic, identifier, nested, parm, parms, requiredParm } from './document.js';

export interface Bookmark {
  readonly uri: string;
  readonly name?: string;
  /** Whether the browser opens with it. */
  readonly startPage: boolean;
}

/** The settings of an application on the device, such as a mail client. */
export interface Account {
  /** APPID, registered with OMNA: `w4` is MMS, `w7` device management, `25` SMTP, `143` IMAP. */
  readonly application: string;
  /** PROVIDER-ID: distinguishes accounts of one application. */
  readonly provider?: string;
  readonly name?: string;
  /** ADDR of the application and of its APPADDR, with the port if there is one. */
  readonly addresses: readonly { readonly address: string; readonly port?: number }[];
  readonly accessPoints: readonly string[];
  readonly proxies: readonly string[];
  readonly credentials: readonly Credentials[];
}

export interface Settings {
  readonly accessPoints: readonly AccessPoint[];
  readonly proxies: readonly NetworkProxy[];
  readonly bookmarks: readonly Bookmark[];
  readonly accounts: readonly Account[];
}

/** APPID of browsing, whose resources are bookmarks. */
const BROWSING = 'w2';
/** A document for a device has a few of each. The limit bounds the storage. */
const MAX_SETTINGS = 100;

/** @throws MalformedError that names the characteristic and the parameter. */
export function settingsOf(characteristics: readonly Characteristic[]): Settings {
  const document = { characteristics };
  const applications = nested(document, 'APPLICATION');
  const logical = nested(document, 'PXLOGICAL');
  const settings = {
    accessPoints: nested(document, 'NAPDEF').map(accessPointOf),
    proxies: logical.map(proxyOf),
    bookmarks: [...logical.flatMap(startPageOf), ...applications.filter(isBrowsing).flatMap(bookmarksOf)],
    accounts: applications.filter((each) => !isBrowsing(each)).map(accountOf),
  };
  const count = Object.values(settings).reduce((sum, { length }) => sum + length, 0);
  if (count === 0)
    throw new MalformedError('PROV 1.0: no settings: expected NAPDEF, PXLOGICAL or APPLICATION');
  if (count > MAX_SETTINGS)
    throw new MalformedError(`PROV 1.0: ${count} settings: expected at most ${MAX_SETTINGS}`);
  return settings;
}

function accessPointOf(definition: Characteristic): AccessPoint {
  return {
    id: identifier(definition, 'NAPID'),
    name: parm(definition, 'NAME'),
    bearers: parms(definition, 'BEARER'),
    address: requiredParm(definition, 'NAP-ADDRESS'),
    addressType: parm(definition, 'NAP-ADDRTYPE') ?? 'E164',
    internet: parm(definition, 'INTERNET') !== undefined,
    dns: parms(definition, 'DNS-ADDR'),
    credentials: nested(definition, 'NAPAUTHINFO').map((info) => ({
      type: parm(info, 'AUTHTYPE'),
      name: parm(info, 'AUTHNAME'),
      secret: parm(info, 'AUTHSECRET'),
    })),
  };
}

function proxyOf(logical: Characteristic): NetworkProxy {
  return {
    id: identifier(logical, 'PROXY-ID'),
    name: parm(logical, 'NAME'),
    servers: nested(logical, 'PXPHYSICAL').map((physical) => ({
      address: requiredParm(physical, 'PXADDR'),
      // Ports of the logical proxy apply to all of its physical proxies.
      ports: [...nested(physical, 'PORT'), ...nested(logical, 'PORT')].map(portOf),
      accessPoints: parms(physical, 'TO-NAPID'),
    })),
    credentials: nested(logical, 'PXAUTHINFO').map((info) => ({
      type: parm(info, 'PXAUTH-TYPE'),
      name: parm(info, 'PXAUTH-ID'),
      secret: parm(info, 'PXAUTH-PW'),
    })),
  };
}

function startPageOf(logical: Characteristic): Bookmark[] {
  const uri = parm(logical, 'STARTPAGE');
  return uri ? [{ uri, name: parm(logical, 'NAME'), startPage: true }] : [];
}

function isBrowsing(application: Characteristic): boolean {
  return requiredParm(application, 'APPID').toLowerCase() === BROWSING;
}

function bookmarksOf(application: Characteristic): Bookmark[] {
  return nested(application, 'RESOURCE').map((resource) => ({
    uri: requiredParm(resource, 'URI'),
    name: parm(resource, 'NAME') ?? parm(application, 'NAME'),
    startPage: parm(resource, 'STARTPAGE') !== undefined,
  }));
}

function accountOf(application: Characteristic): Account {
  const direct = parms(application, 'ADDR').map((address) => ({ address }));
  const indirect = nested(application, 'APPADDR').map((address) => ({
    address: requiredParm(address, 'ADDR'),
    port: nested(address, 'PORT').map(portOf)[0],
  }));
  return {
    application: identifier(application, 'APPID'),
    provider: parm(application, 'PROVIDER-ID') && identifier(application, 'PROVIDER-ID'),
    name: parm(application, 'NAME'),
    addresses: [...direct, ...indirect],
    accessPoints: parms(application, 'TO-NAPID'),
    proxies: parms(application, 'TO-PROXY'),
    credentials: nested(application, 'APPAUTH').map((info) => ({
      type: parm(info, 'AAUTHTYPE'),
      name: parm(info, 'AAUTHNAME'),
      secret: parm(info, 'AAUTHSECRET'),
    })),
  };
}

function portOf(port: Characteristic): number {
  const text = requiredParm(port, 'PORTNBR');
  const number = Number(text);
  if (!/^\d{1,5}$/.test(text) || number < 1 || number > 65_535) {
    throw new MalformedError(`PORT: invalid PORTNBR "${text}": expected 1 to 65535`);
  }
  return number;
}
