/** The Push Access Protocol: documents and addresses of recipients. */

import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  type ClientAddress,
  formatClientAddress,
  parseClientAddress,
} from '../../core/pap/client-address.js';
import { type PapDocument, readPapDocument, writePapDocument } from '../../core/pap/document.js';
import { PAP_VERSIONS } from '../../core/pap/version.js';
import { anyPapMessage } from '../pap/messages.js';
import { anyText } from './inputs.js';
import { defineSurface, type Surface, textSeeds } from './surface.js';

const FIXTURES = new URL('../pap/fixtures/', import.meta.url);

const documents = defineSurface<PapDocument>({
  name: 'pap-document',
  seeds: readdirSync(FIXTURES).map((name) => readFileSync(new URL(name, FIXTURES))),
  words: [
    ...['<pap>', '</pap>', '<address address-value="a"/>', '<quality-of-service priority="high"/>'],
    ...[' code="1000"', ' push-id="1"', ' deliver-before-timestamp="2026-12-24T18:00:00Z"'],
    ...[
      '<!DOCTYPE pap PUBLIC "-//WAPFORUM//DTD PAP 2.0//EN" "x" [',
      '<?wap-pap-ver supported-versions="2.0,1.*"?>',
      ']>',
    ],
  ],
  read: (bytes) => readPapDocument(bytes),
  write: ({ message, ...about }) => writePapDocument(message, about),
  plain: ({ warnings: _warnings, ...document }) => document,
  values: fc.record({ message: anyPapMessage, version: fc.constantFrom(...PAP_VERSIONS.slice(1)) }),
});

const addresses = defineSurface<ClientAddress>({
  name: 'pap-address',
  seeds: textSeeds(
    'WAPPUSH=john.doe%40oma.org/TYPE=USER@ppg.carrier.com',
    'WAPPUSH="sip%3Abob%40atlanta.com"/TYPE=URI@ppg.carrier.com',
    'WAPPUSH=+155519990730/port=4035/TYPE=PLMN@ppg.carrier.com',
    'WAPPUSH=2001:db8::1/TYPE=IPv6',
  ),
  words: ['WAPPUSH=', '/TYPE=', 'USER', 'PLMN', 'IPv4', 'URI', '@', '/a=b', '%40', '%', '"'],
  read: (bytes) => parseClientAddress(new TextDecoder().decode(bytes)),
  write: (address) => new TextEncoder().encode(formatClientAddress(address)),
  values: fc.record({ type: fc.constant('USER'), identifier: anyText, gateway: fc.constant('ppg.test') }),
});

export const papSurfaces: readonly Surface[] = [documents, addresses];
