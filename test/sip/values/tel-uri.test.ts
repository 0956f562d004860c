/** tel URIs (RFC 3966 §3). */

import { expect, it } from 'vitest';
import { isTelUri } from '../../../core/sip/values/tel-uri.js';

it.each([
  'tel:+46701234567',
  'TEL:+1-201-555-0123',
  'tel:+358-555-1234567;postd=pp22',
  'tel:+1(555)555.0100;ext=1234;isub=12%2034',
  'tel:7042;phone-context=example.com',
  'tel:863-1234;phone-context=+1-914-555',
  'tel:*21#;phone-context=example.com',
])('are accepted: %s', (uri) => {
  expect(isTelUri(uri)).toBe(true);
});

it.each([
  ...[
    'tel:',
    'tel:+',
    'tel:+-',
    'tel:7042',
    'tel:7042;phone-context=',
    'tel:+46 70',
    'tel:+46a',
    'tel:+46;',
    'tel:+46;=1',
  ],
  ...['tel:+46;a=%4', 'tel:+46>', 'sip:+46@domain.test', `tel:+${'1'.repeat(300)}`, `tel:${'-'.repeat(250)}`],
])('are refused: %s', (uri) => {
  expect(isTelUri(uri)).toBe(false);
});
