/** How the MMSC is reached: the address of a message, and what each request contains. */

import type { AppFetchOptions } from 'sip-push/sdk';
import { carriers } from './carriers.js';
import type { Message } from './message.js';
import type { MmsOptions } from './options.js';

const PROFILE_HEADER = 'x-wap-profile';

export class Mmsc {
  constructor(private readonly options: MmsOptions) {}

  /** Where a message is retrieved. */
  locationOf({ contentLocation, transactionId }: Message): string {
    const { completeLocation = this.carrier.completeLocation } = this.options;
    return completeLocation && contentLocation.endsWith('=')
      ? contentLocation + encodeURIComponent(transactionId)
      : contentLocation;
  }

  /** Where the answers to a message are posted. */
  answerLocationOf(message: Message): string {
    return this.options.mmsc ?? this.locationOf(message);
  }

  /** Options of a request. @param headers of this request */
  request(headers: Readonly<Record<string, string>>): Pick<AppFetchOptions, 'headers' | 'proxy'> {
    const { proxy, userAgent, profile, number = '' } = this.options;
    const { profileHeader = PROFILE_HEADER, headers: template = {} } = this.carrier;
    const mdn = number.replace(/^\+1?/, '');
    const fixed: Record<string, string> = {};
    for (const [name, value] of Object.entries(template)) fixed[name] = value.replace('{mdn}', mdn);
    if (userAgent !== undefined) fixed['user-agent'] = userAgent;
    if (profile !== undefined) fixed[profileHeader] = profile;
    return { headers: { ...fixed, ...this.options.headers, ...headers }, proxy };
  }

  private get carrier() {
    return carriers.get(this.options.carrier ?? '') ?? {};
  }
}
