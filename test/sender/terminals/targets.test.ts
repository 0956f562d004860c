/** The targets of a push: all terminals of a user with the application, or some (AD-5.3.1-7, 5.2-03, 9-04). */

import { beforeEach, describe, expect, it } from 'vitest';
import { TerminalDirectory } from '../../../core/sender/terminals/directory.js';
import { reasonForNone, targetsOf } from '../../../core/sender/terminals/targets.js';
import type { TerminalFacts } from '../../../core/sender/terminals/terminal.js';

const BOB = 'sip:bob@domain.test';
const PHONE: TerminalFacts = {
  instanceId: 'urn:uuid:00000000-0000-4000-8000-000000000001',
  gruu: `${BOB};gr=urn:uuid:00000000-0000-4000-8000-000000000001`,
  apps: ['mms.ua', 'wml.ua'],
};
const TABLET: TerminalFacts = {
  instanceId: 'urn:uuid:00000000-0000-4000-8000-000000000002',
  gruu: `${BOB};gr=urn:uuid:00000000-0000-4000-8000-000000000002`,
  apps: ['mms.ua'],
  methods: ['MESSAGE'],
};
const NAMELESS: TerminalFacts = { contact: 'sip:bob@127.0.0.1:5080', apps: ['mms.ua'] };

let directory: TerminalDirectory;
beforeEach(() => {
  directory = new TerminalDirectory();
});

const uris = (push: Parameters<typeof targetsOf>[0]) =>
  targetsOf(push, directory).map((target) =>
    target.isUnavailable() ? `unavailable ${target.uri}` : target.uri,
  );
const toBob = (app: string) => ({ to: BOB, app });

it('7.1-02: addresses the terminals whose id of the application differs in case (RFC 3840 9)', () => {
  directory.setRegistered(BOB, { ...PHONE, apps: ['MMS.ua'] });
  expect(uris(toBob('mms.UA'))).toEqual([PHONE.gruu]);
  expect(uris(toBob('wml.ua'))).toEqual([]);
});

it('lets the core decide for an unknown user', () => {
  expect(uris(toBob('mms.ua'))).toEqual([BOB]);
  expect(uris({ to: PHONE.gruu ?? '', app: 'mms.ua' })).toEqual([PHONE.gruu]);
});

describe('a push to several terminals', () => {
  beforeEach(() => {
    for (const facts of [PHONE, TABLET]) directory.setRegistered(BOB, facts);
  });

  it('AD-5.3.1-7: addresses each terminal with the application by its GRUU', () => {
    expect(uris(toBob('x-wap-application:mms.ua'))).toEqual([PHONE.gruu, TABLET.gruu]);
    expect(uris(toBob('wml.ua'))).toEqual([PHONE.gruu]);
    expect(uris(toBob('dcd.ua'))).toEqual([]);
  });

  it('to a sips URI addresses the terminals of the user by sips GRUUs (RFC 3261 26.2.2)', () => {
    const secure = (uri = '') => uri.replace('sip:', 'sips:');
    expect(uris({ to: secure(BOB), app: 'wml.ua' })).toEqual([secure(PHONE.gruu)]);
    expect(uris({ to: secure(PHONE.gruu), app: 'wml.ua' })).toEqual([secure(PHONE.gruu)]);
    expect(uris({ to: BOB, app: 'wml.ua', terminals: { instances: [secure(PHONE.gruu)] } })).toEqual([
      PHONE.gruu,
    ]);
  });

  it('AD-5.3.1-7: addresses the terminals of the filter', () => {
    const some = (terminals: { instances?: string[]; methods?: string[] }) =>
      uris({ ...toBob('mms.ua'), terminals });
    expect(some({ instances: [TABLET.instanceId?.toUpperCase() ?? ''] })).toEqual([TABLET.gruu]);
    expect(some({ instances: [PHONE.gruu ?? ''] })).toEqual([PHONE.gruu]);
    expect(some({ methods: ['INVITE'] })).toEqual([PHONE.gruu]);
    expect(some({ instances: ['urn:uuid:other'] })).toEqual([]);
  });

  it('9-04: reports the time of a new registration as the reason', () => {
    directory.setUnregistered(BOB, TABLET);
    const [target] = targetsOf({ to: TABLET.gruu ?? '', app: 'mms.ua' }, directory);
    expect(target?.why).toMatch(/^the terminal is not registered, last seen [^,]+$/);
    directory.setRegistered(BOB, TABLET);
    expect(target?.why).toMatch(/^the terminal registered again, last seen \S+$/);
  });

  it('reports the reason if no terminal matches', () => {
    expect(reasonForNone(toBob('dcd.ua'), directory)).toBe(
      `none of the 2 known terminals of ${BOB} has dcd.ua`,
    );
    expect(reasonForNone({ ...toBob('mms.ua'), terminals: { methods: ['REFER'] } }, directory)).toBe(
      `none of the 2 known terminals of ${BOB} has mms.ua, matches the filter and has a GRUU`,
    );
  });

  it('9-04: distinguishes unregistered terminals', () => {
    directory.setUnregistered(BOB, TABLET);
    expect(uris(toBob('mms.ua'))).toEqual([PHONE.gruu, `unavailable ${TABLET.gruu}`]);
    expect(uris({ to: TABLET.gruu ?? '', app: 'mms.ua' })).toEqual([`unavailable ${TABLET.gruu}`]);
  });

  it('forks the request if a terminal has no GRUU', () => {
    directory.setRegistered(BOB, NAMELESS);
    directory.setRegistered(BOB, { ...PHONE, contact: 'sip:bob@127.0.0.1:5081' });
    directory.setRegistered(BOB, { ...TABLET, contact: 'sip:bob@127.0.0.1:5082' });
    expect(uris(toBob('mms.ua'))).toEqual([BOB]);
    expect(uris(toBob('wml.ua'))).toEqual([PHONE.gruu]);
    expect(uris({ ...toBob('mms.ua'), terminals: { methods: ['MESSAGE'] } })).toEqual([
      PHONE.gruu,
      TABLET.gruu,
    ]);
  });

  it('9-04: has one address for unregistered terminals without a GRUU', () => {
    directory.setRegistered(BOB, { instanceId: 'urn:uuid:3', apps: ['mms.ua'] });
    directory.setRegistered(BOB, { instanceId: 'urn:uuid:4', apps: ['mms.ua'] });
    directory.setUnregisteredExcept(BOB);
    expect(uris(toBob('mms.ua'))).toEqual([PHONE.gruu, TABLET.gruu, BOB].map((uri) => `unavailable ${uri}`));
    const targets = targetsOf(toBob('mms.ua'), directory);
    // This terminal is addressed alone.
    directory.setRegistered(BOB, PHONE);
    expect(targets.map((target) => target.isUnavailable())).toEqual([false, true, true]);
    directory.setRegistered(BOB, { instanceId: 'urn:uuid:4', contact: 'sip:bob@127.0.0.1:5084' });
    directory.setRegistered(BOB, { ...PHONE, contact: 'sip:bob@127.0.0.1:5081' });
    expect(targets.map((target) => target.isUnavailable())).toEqual([false, true, false]);
    // A request to selected terminals is not forked.
    expect(uris({ ...toBob('mms.ua'), terminals: { instances: ['urn:uuid:3', 'urn:uuid:4'] } })).toEqual([]);
  });

  it('does not count an anonymous contact of a terminal that identified itself', () => {
    directory.setRegistered(BOB, NAMELESS);
    expect(uris(toBob('mms.ua'))).toEqual([PHONE.gruu, TABLET.gruu]);
    // Its applications do not matter; only the number of terminals does.
    const { apps: _, ...address } = NAMELESS;
    directory.setRegistered(BOB, address);
    directory.setRegistered(BOB, { contact: 'sip:bob@127.0.0.1:5081' });
    expect(uris(toBob('wml.ua'))).toEqual([PHONE.gruu]);
    directory.setRegistered(BOB, { contact: 'sip:bob@127.0.0.1:5082' });
    expect(uris(toBob('wml.ua'))).toEqual([BOB]);
  });

  it('matches the instance id in a GRUU', () => {
    const instance = 'urn:uuid:00000000-0000-4000-8000-00000000000a';
    const gruu = `${BOB};gr=${instance}`;
    directory.setRegistered(BOB, { gruu, apps: ['mms.ua'] });
    expect(uris({ ...toBob('mms.ua'), terminals: { instances: [instance.toUpperCase()] } })).toEqual([gruu]);
  });
});
