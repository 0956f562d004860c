/** The route set of a dialog (RFC 3261 §12.1, §12.2.1.1). */

import { describe, expect, it } from 'vitest';
import type { SipRequest } from '../../../core/sip/message/message.js';
import { buildResponse } from '../../../core/sip/message/writer.js';
import { Dialog } from '../../../core/sip/session/dialog.js';
import { request } from '../../support/sip/requests.js';

const TARGET = 'sip:alice@192.0.2.1:5070';
const CONTACT = `Contact: <${TARGET}>`;

/** A dialog with the route set `routes`, as the caller or as the callee of an INVITE. */
const ends: [end: string, open: (routes: readonly string[]) => Dialog][] = [
  [
    'caller',
    (routes) => {
      const invite = request('INVITE', 'sip:alice@domain.test');
      const headers: [string, string][] = [
        ['Contact', `<${TARGET}>`],
        ...routes.toReversed().map((route): [string, string] => ['Record-Route', route]),
      ];
      return Dialog.ofClient(invite, buildResponse(invite, 200, { headers, toTag: 'a' }));
    },
  ],
  [
    'callee',
    (routes) => {
      const recorded = routes.map((route) => `Record-Route: ${route}`);
      const invite = request('INVITE', 'sip:bob@domain.test', [CONTACT, ...recorded]);
      return Dialog.ofServer(invite, buildResponse(invite, 200, { toTag: 'b' }));
    },
  ],
];

const routing = ({ uri, headers }: SipRequest) => ({ uri, route: headers.getAll('Route') });

describe.each(ends)('RFC 3261 12.2.1.1: a request of the %s', (_end, open) => {
  it('is sent to the peer through loose routers', () => {
    const routes = ['<sip:p1.test;lr>', '<sip:p2.test;lr>'];
    expect(routing(open(routes).request('BYE'))).toEqual({ uri: TARGET, route: routes });
  });

  it('has no Route without a route set', () => {
    expect(routing(open([]).request('BYE'))).toEqual({ uri: TARGET, route: [] });
  });

  it('has a strict router as its Request-URI, and the target as the last Route', () => {
    const dialog = open(['<sip:p1.test>', '<sip:p2.test;lr>', '<sip:p3.test>']);
    const expected = { uri: 'sip:p1.test', route: ['<sip:p2.test;lr>', '<sip:p3.test>', `<${TARGET}>`] };
    for (const method of ['ACK', 'BYE', 'INVITE']) {
      expect(routing(dialog.request(method))).toEqual(expected);
      expect(dialog.request(method).headers.get('To')).not.toContain('p1.test');
    }
  });

  it('has only the target as Route, if the strict router is the only route', () => {
    expect(routing(open(['<sip:p1.test:5062;transport=tcp>']).request('BYE'))).toEqual({
      uri: 'sip:p1.test:5062;transport=tcp',
      route: [`<${TARGET}>`],
    });
  });

  it('has no parts in its Request-URI that are not allowed there', () => {
    const [dialog] = [open(['"P" <sip:p1.test;method=INVITE;transport=udp?Subject=x>;q=1'])];
    expect(dialog.request('BYE').uri).toBe('sip:p1.test;transport=udp');
  });

  it('treats a later strict router like any other router', () => {
    const routes = ['<sip:p1.test;lr>', '<sip:p2.test>'];
    expect(routing(open(routes).request('BYE'))).toEqual({ uri: TARGET, route: routes });
  });

  it('reads a Record-Route without angle brackets as a loose route', () => {
    const { uri, headers, nextHop } = open(['sip:p1.test;lr', '<sip:p2.test;lr>']).request('BYE');
    expect(uri).toBe(TARGET);
    expect(headers.getAll('Route')).toEqual(['<sip:p1.test;lr>', '<sip:p2.test;lr>']);
    expect(nextHop).toBe('sip:p1.test;lr');
  });

  it('E.1.1-AS: the next hop is the first route, also a strict router, and without a route the remote target', () => {
    expect(open(['<sip:p1.test>', '<sip:p2.test;lr>']).request('BYE').nextHop).toBe('sip:p1.test');
    expect(open([]).request('BYE').nextHop).toBe(TARGET);
  });
});
