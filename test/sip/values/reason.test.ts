/** The Reason header (RFC 3326). */

import { expect, it } from 'vitest';
import { formatReason, parseReason } from '../../../core/sip/values/reason.js';

it('a Reason is formatted as in RFC 3326 §2, and parsed again', () => {
  const reason = { cause: 580, text: 'Precondition "Failure"' };
  expect(formatReason(reason)).toBe('SIP;cause=580;text="Precondition \\"Failure\\""');
  expect(parseReason([formatReason(reason)])).toEqual(reason);
  expect(formatReason({ cause: 500 })).toBe('SIP;cause=500');
});

it('the SIP reason is found among those of other networks', () => {
  const values = ['Q.850 ;cause=16 ;text="Terminated"', 'SIP ;cause=600 ;text="Busy Everywhere"'];
  expect(parseReason(values)).toEqual({ cause: 600, text: 'Busy Everywhere' });
});

it.each([['SIP'], ['SIP;cause=x'], ['SIP;cause=1000'], ['SIPS;cause=500'], ['SIP;cause=500;text="'], ['']])(
  'returns undefined for an invalid value: %s',
  (value) => {
    expect(parseReason([value])).toBeUndefined();
  },
);
