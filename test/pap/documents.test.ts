import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigurationError, MalformedError } from '../../core/errors.js';
import {
  type PapMessage,
  PapVersionError,
  readPapDocument,
  writePapDocument,
} from '../../core/pap/document.js';
import { describePapCode, isPapSuccess } from '../../core/pap/status-code.js';
import type { PushMessage } from '../../core/pap/submission.js';
import { PAP_VERSIONS } from '../../core/pap/version.js';
import { anyPapMessage } from './messages.js';

const FIXTURES = new URL('fixtures/', import.meta.url);
const fixture = (name: string) => readFileSync(new URL(name, FIXTURES));
const read = (xml: string) => readPapDocument(new TextEncoder().encode(xml));
const submission = (attributes: string, children = '') =>
  `<pap><push-message push-id="1" ${attributes}><address address-value="a"/>${children}</push-message></pap>`;
const pushMessage = (xml: string) => read(xml).message as PushMessage;

describe('PAP documents', () => {
  it('P23-PPG-06, P23-PAP-05, P23-PAP-08: a submission has recipients, times, quality of service and what it replaces', () => {
    expect(readPapDocument(fixture('push-message.xml'))).toEqual({
      version: '2.0',
      productName: 'Initiator/1',
      warnings: undefined,
      message: {
        kind: 'push-message',
        pushId: '1@pi.example',
        replacePushId: '0@pi.example',
        replaceMethod: 'pending-only',
        deliverBefore: new Date('2026-12-24T18:00:00Z'),
        deliverAfter: new Date('2026-12-24T06:00:00Z'),
        sourceReference: 'ref',
        progressNotesRequested: true,
        notifyTo: 'https://pi.example/results',
        addresses: [
          'WAPPUSH=+155519990730/TYPE=PLMN@ppg.carrier.com',
          'WAPPUSH="sip%3Abob%40atlanta.com"/TYPE=URI@ppg.carrier.com',
        ],
        qualityOfService: {
          priority: 'high',
          deliveryMethod: 'confirmed',
          network: 'GSM',
          networkRequired: true,
          bearer: undefined,
          bearerRequired: false,
        },
      },
    });
  });

  it('reads the answer that Kannel writes, with white space around "="', () => {
    const { message, version } = readPapDocument(fixture('push-response.kannel.xml'));
    expect(version).toBe('1.0');
    expect(message).toMatchObject({
      kind: 'push-response',
      pushId: 'p1@pi.com',
      code: 1001,
      senderAddress: '/wappush',
      replyTime: new Date('2026-11-21T00:24:37Z'),
    });
  });

  it.each(readdirSync(FIXTURES))('reads %s, and what it writes of it is equal', (name) => {
    const { message, version, productName } = readPapDocument(fixture(name));
    const written = writePapDocument(message, { version, productName });
    expect(readPapDocument(written)).toEqual({ message, version, productName, warnings: undefined });
  });

  it('reads what it writes, of any message', () => {
    fc.assert(
      fc.property(anyPapMessage, fc.constantFrom(...PAP_VERSIONS.slice(1)), (message, version) => {
        const again = readPapDocument(writePapDocument(message, { version }));
        expect(writePapDocument(again.message, { version })).toEqual(writePapDocument(message, { version }));
        expect(again).toMatchObject({ version, warnings: undefined });
      }),
    );
  });

  it.each([
    ['without a document type', '', '2.1'],
    ['of PAP 1.0', '<!DOCTYPE pap PUBLIC "-//WAPFORUM//DTD PAP 1.0//EN" "x">', '1.0'],
    ['of PAP without a version', '<!DOCTYPE pap PUBLIC "-//WAPFORUM//DTD PAP//EN" "x">', '2.1'],
    ['of PAP 2.1 by OMA', '<!DOCTYPE pap PUBLIC "-//OMA//DTD PAP 2.1//EN" "x">', '2.1'],
    [
      'of a later version that lists an earlier one',
      '<!DOCTYPE pap PUBLIC "-//OMA//DTD PAP 3.0//EN" "x" [<?wap-pap-ver supported-versions="3.0,2.0,1.*"?>]>',
      '2.0',
    ],
    [
      'of a later version that lists 1.*',
      '<!DOCTYPE pap [<?wap-pap-ver supported-versions="4.0, 1.*"?>]>',
      '1.0',
    ],
  ])('a message %s is answered in that version', (_case, doctype, version) => {
    expect(read(`${doctype}<pap><statusquery-message push-id="1"/></pap>`).version).toBe(version);
  });

  it.each([
    '<!DOCTYPE pap PUBLIC "-//OMA//DTD PAP 3.0//EN" "x">',
    '<!DOCTYPE pap PUBLIC "-//OMA//DTD PAP 3.0//EN" "x" [<?wap-pap-ver supported-versions="3.*"?>]>',
  ])('rejects a message in unknown versions: %s', (doctype) => {
    expect(() => read(`${doctype}<pap><statusquery-message push-id="1"/></pap>`)).toThrow(PapVersionError);
  });

  it.each([
    ['another root', '<pop><statusquery-message push-id="1"/></pop>', 'expected pap'],
    ['no message', '<pap/>', 'exactly one message'],
    ['two messages', '<pap><ccq-message/><ccq-message/></pap>', 'exactly one message'],
    ['an unknown message', '<pap><bulk-message/></pap>', 'unknown message bulk-message'],
    ['no push id', '<pap><cancel-message/></pap>', 'missing attribute push-id'],
    ['no recipient', '<pap><push-message push-id="1"/></pap>', 'missing address'],
    [
      'a result for two recipients',
      `<pap><resultnotification-message push-id="1" message-state="delivered" code="1000">${'<address address-value="a"/>'.repeat(2)}</resultnotification-message></pap>`,
      'exactly one',
    ],
    ['a code of three digits', '<pap><badmessage-response code="200"/></pap>', 'four digits'],
    ['no result', '<pap><cancel-response push-id="1"/></pap>', 'missing cancel-result'],
    [
      'an expiry that is not a time',
      submission('deliver-before-timestamp="soon"'),
      'deliver-before-timestamp',
    ],
    [
      'a start that is not a time',
      submission('deliver-after-timestamp="2026-02-30T00:00:00Z"'),
      'deliver-after-timestamp',
    ],
    [
      'an unknown way of replacement',
      submission('replace-push-id="0" replace-method="some"'),
      'replace-method',
    ],
    [
      'an unknown delivery method',
      submission('', '<quality-of-service delivery-method="sure"/>'),
      'delivery-method',
    ],
    ['an entity', '<!DOCTYPE pap [<!ENTITY a "b">]><pap><ccq-message/></pap>', 'internal subset'],
  ])('rejects a message with %s', (_case, xml, expected) => {
    expect(() => read(xml)).toThrow(MalformedError);
    expect(() => read(xml)).toThrow(expected);
  });

  it('leaves out a malformed optional attribute, and reports it', () => {
    const { message, warnings } = read(
      submission('progress-notes-requested="maybe"', '<quality-of-service priority="urgent"/>'),
    );
    expect(message).toMatchObject({
      progressNotesRequested: false,
      qualityOfService: { priority: 'medium' },
    });
    expect(warnings).toEqual([
      'PAP: quality-of-service: invalid priority "urgent": expected high, medium, low',
      'PAP: push-message: invalid progress-notes-requested "maybe": expected true or false',
    ]);
  });

  it('leaves out a malformed result', () => {
    const { message, warnings } = read(
      '<pap><cancel-response push-id="1"><cancel-result code="x"/><cancel-result code="2004"/></cancel-response></pap>',
    );
    expect(message).toMatchObject({ results: [{ code: 2004, addresses: [] }] });
    expect(warnings).toHaveLength(1);
  });

  it('replaces nothing in PAP 1.0, which cannot', () => {
    const message: PapMessage = { ...pushMessage(submission('')), replacePushId: '0' };
    expect(() => writePapDocument(message, { version: '1.0' })).toThrow(ConfigurationError);
    expect(() => writePapDocument(message, { version: '2.0' })).not.toThrow();
  });

  it('describes an unknown code by its class', () => {
    expect(describePapCode(2007)).toBe('Duplicate push id');
    expect(describePapCode(2999)).toBe('Bad request');
    expect(describePapCode(5026)).toBe('Mobile client aborted');
    expect([1000, 1999, 2000].map(isPapSuccess)).toEqual([true, true, false]);
  });
});
