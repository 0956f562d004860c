/**
 * Requirements of the MMSCs of carriers, by network (mobile country and network code): settings that the carriers publish for
 * telephones. Addresses of MMSCs and proxies are in the access point of the SIM card, and are options.
 */

/** The settings of a carrier. Options replace them. */
export interface Carrier {
  /** Whether a Content-Location that ends with `=` is completed with the Transaction-Id. */
  readonly completeLocation?: boolean;
  /** The header with the URL of the User Agent Profile; `x-wap-profile` by default. */
  readonly profileHeader?: string;
  /** Headers of each request. `{mdn}` is the number of the device without its country code. */
  readonly headers?: Readonly<Record<string, string>>;
}

const VERIZON: Carrier = {
  completeLocation: true,
  profileHeader: 'Profile',
  headers: { 'X-VzW-MDN': '1{mdn}', 'x-up-calling-line-id': '1{mdn}' },
};
const US_CELLULAR: Carrier = { completeLocation: true, headers: { 'x-vzw-mdn': '1{mdn}' } };
/** Regional carriers of the United States whose MMSCs know the device by this header. */
const BY_NUMBER: Carrier = { headers: { 'X-MDN': '{mdn}' } };

const networks: readonly (readonly [carrier: Carrier, ...codes: string[]])[] = [
  [VERIZON, '310004', '310005', '311012', '311480'],
  [
    US_CELLULAR,
    ...['311220', '311221', '311222', '311223', '311224', '311225', '311226', '311227', '311228', '311229'],
    ...['311580', '311581', '311582', '311583', '311584', '311585', '311586', '311587', '311588', '311589'],
  ],
  [
    BY_NUMBER,
    ...['310040', '310130', '310360', '310580', '310600', '310750', '310920', '311070', '311100', '311340'],
    ...['311410', '311430', '311440', '311590', '312160'],
  ],
];

export const carriers: ReadonlyMap<string, Carrier> = new Map(
  networks.flatMap(([carrier, ...codes]) => codes.map((code) => [code, carrier] as const)),
);
