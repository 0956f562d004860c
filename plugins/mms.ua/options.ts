/** The options of mms.ua. */

import * as z from 'zod/mini';
import { carriers } from './carriers.js';

/** Seconds. MMSCs rarely keep messages for more than a week. */
const MAX_AFTER = 604_800;

const NAMES =
  'retrieve, after, mmsc, reportAllowed, carrier, completeLocation, proxy, userAgent, profile, headers, number';
const RETRIEVE = 'expected one of manual, deferred, immediate';
const AFTER = `expected seconds, a whole number from 1 to ${MAX_AFTER}`;
const MMSC = 'expected the URL for answers to the MMSC, like "https://mmsc.example/"';
const CARRIER = 'expected a known network, country and network code, like "311480"';
const PROXY = 'expected the URL of an HTTP proxy, like "http://10.0.0.1:8080"';
const PROFILE = 'expected the URL of a User Agent Profile';
const NUMBER = 'expected an international number, like "+15550100"';
const LINE = 'expected one line of text';
const HEADERS =
  'expected names and texts of headers; accept, content-type, host and others are set by each request';

/** One line of printable text, without blanks at its ends. */
const line = z.string(LINE).check(z.regex(/^[!-~\xa0-\xff](?:[\t -~\xa0-\xff]*[!-~\xa0-\xff])?$/, LINE));

/** Tokens, without the headers that belong to each request or to its connection. */
const HEADER =
  /^(?!(?:accept|accept-encoding|connection|content-.*|host|keep-alive|te|trailer|transfer-encoding|upgrade)$)[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/i;

export const options = z
  .strictObject(
    {
      retrieve: z._default(
        z
          .enum(['manual', 'deferred', 'immediate'], RETRIEVE)
          .check(z.describe('when a message is retrieved: on query, later, or at its notification')),
        'manual',
      ),
      after: z.optional(
        z
          .int(AFTER)
          .check(
            z.minimum(1, AFTER),
            z.maximum(MAX_AFTER, AFTER),
            z.describe(
              'seconds until a deferred message is retrieved without a query; without it, only on query',
            ),
          ),
      ),
      mmsc: z.optional(
        z
          .url({ protocol: /^https?$/, error: MMSC })
          .check(
            z.describe("http(s) URL for answers to the MMSC; without it, the message's Content-Location"),
          ),
      ),
      reportAllowed: z._default(
        z
          .boolean('expected true or false')
          .check(z.describe('whether the MMSC may report the delivery to the sender')),
        true,
      ),
      carrier: z.optional(
        z.string(CARRIER).check(
          z.refine((code) => carriers.has(code), CARRIER),
          z.describe('network whose settings are used, unless another option replaces them'),
        ),
      ),
      completeLocation: z.optional(
        z
          .boolean('expected true or false')
          .check(
            z.describe('whether a Content-Location that ends with = is completed with the Transaction-Id'),
          ),
      ),
      proxy: z.optional(
        z.url({ protocol: /^http$/, error: PROXY }).check(z.describe('HTTP proxy of the access point')),
      ),
      userAgent: z.optional(line.check(z.describe('User-Agent of requests'))),
      profile: z.optional(
        z
          .url({ protocol: /^https?$/, error: PROFILE })
          .check(z.describe('URL of the User Agent Profile, in x-wap-profile')),
      ),
      headers: z.optional(
        z
          .record(z.string().check(z.regex(HEADER, HEADERS)), line, HEADERS)
          .check(z.describe('further headers of requests')),
      ),
      number: z.optional(
        z
          .string(NUMBER)
          .check(
            z.regex(/^\+\d{5,15}$/, NUMBER),
            z.describe('number of the device, which some carriers expect in a header'),
          ),
      ),
    },
    {
      error: ({ keys }) =>
        keys ? `unknown option ${keys}: expected ${NAMES}` : `expected an object with ${NAMES}`,
    },
  )
  .check(
    z.refine(({ retrieve, after }) => after === undefined || retrieve === 'deferred', {
      error: 'valid only with "retrieve": "deferred"',
      path: ['after'],
    }),
    z.refine(({ carrier, number }) => number !== undefined || !needsNumber(carrier), {
      error: 'missing: the carrier expects the number of the device in a header, like "+15550100"',
      path: ['number'],
    }),
  );

export type MmsOptions = z.infer<typeof options>;

function needsNumber(carrier = ''): boolean {
  const { headers = {} } = carriers.get(carrier) ?? {};
  return Object.values(headers).some((value) => value.includes('{mdn}'));
}
