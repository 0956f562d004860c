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
      retrieve: z._default(z.enum(['manual', 'deferred', 'immediate'], RETRIEVE), 'manual'),
      /** Seconds until a deferred message is retrieved without a query; undefined: only on query. */
      after: z.optional(z.int(AFTER).check(z.minimum(1, AFTER), z.maximum(MAX_AFTER, AFTER))),
      /** URL for answers; undefined: the message's Content-Location. */
      mmsc: z.optional(z.url({ protocol: /^https?$/, error: MMSC })),
      /** Whether the MMSC may report the delivery to the sender. */
      reportAllowed: z._default(z.boolean('expected true or false'), true),
      /** Network whose settings are used, unless another option replaces them. */
      carrier: z.optional(z.string(CARRIER).check(z.refine((code) => carriers.has(code), CARRIER))),
      /** Whether a Content-Location that ends with `=` is completed with the Transaction-Id. */
      completeLocation: z.optional(z.boolean('expected true or false')),
      /** HTTP proxy of the access point. */
      proxy: z.optional(z.url({ protocol: /^http$/, error: PROXY })),
      /** User-Agent of requests. */
      userAgent: z.optional(line),
      /** URL of the User Agent Profile, in x-wap-profile. */
      profile: z.optional(z.url({ protocol: /^https?$/, error: PROFILE })),
      /** Further headers of requests. */
      headers: z.optional(z.record(z.string().check(z.regex(HEADER, HEADERS)), line, HEADERS)),
      /** Number of the device, which some carriers expect in a header. */
      number: z.optional(z.string(NUMBER).check(z.regex(/^\+\d{5,15}$/, NUMBER))),
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
