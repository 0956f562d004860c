/** The headers that the Push Message specification adds to those of HTTP, as values. */

import { ConfigurationError } from '../../errors.js';
import { type HeaderList, headerOf } from '../headers.js';
import { applicationIdOfCode } from '../wsp/application-ids.js';

export interface PushHeaders {
  /** `x-wap-application:mms.ua`, in full. */
  readonly applicationId?: string;
  /** Where the content is known by, when it has a name of its own. */
  readonly contentLocation?: string;
  readonly contentUri?: string;
  readonly initiatorUri?: string;
  /** Push-Flag: the gateway has authenticated the initiator. */
  readonly initiatorAuthenticated?: boolean;
  /** Push-Flag: the gateway trusts the content. */
  readonly contentTrusted?: boolean;
  /** Push-Flag: no more pushes of this initiator wait. */
  readonly lastPush?: boolean;
}

const APPLICATION_ID = 'X-Wap-Application-Id';
const PUSH_FLAG = 'Push-Flag';
const texts = [
  ['contentLocation', 'Content-Location'],
  ['contentUri', 'X-Wap-Content-URI'],
  ['initiatorUri', 'X-Wap-Initiator-URI'],
] as const;
const flags = [
  ['initiatorAuthenticated', 1],
  ['contentTrusted', 2],
  ['lastPush', 4],
] as const;
/** Three bits have a meaning; a short-integer has seven. */
const MAX_FLAGS = 127;

/** Never throws: flags that are no number are none, and what is not known is passed over. */
export function pushHeadersOf(headers: HeaderList): PushHeaders {
  const applicationId = headerOf(headers, APPLICATION_ID);
  const written = headerOf(headers, PUSH_FLAG) ?? '0';
  const flag = /^\d{1,3}$/.test(written) && Number(written) <= MAX_FLAGS ? Number(written) : 0;
  return Object.fromEntries([
    ...(applicationId === undefined ? [] : [['applicationId', fullApplicationId(applicationId)]]),
    ...texts.flatMap(([key, name]) => {
      const value = headerOf(headers, name);
      return value === undefined ? [] : [[key, value]];
    }),
    ...flags.flatMap(([key, bit]) => (flag & bit ? [[key, true]] : [])),
  ]);
}

export function formatPushHeaders(push: PushHeaders): HeaderList {
  const { applicationId } = push;
  if (applicationId === '') throw new ConfigurationError('an application id is not empty');
  const flag = flags.reduce((sum, [key, bit]) => (push[key] ? sum | bit : sum), 0);
  return [
    ...(applicationId === undefined ? [] : [[APPLICATION_ID, applicationId] as const]),
    ...texts.flatMap(([key, name]) => {
      const value = push[key];
      return value === undefined ? [] : [[name, value] as const];
    }),
    ...(flag === 0 ? [] : [[PUSH_FLAG, String(flag)] as const]),
  ];
}

/** A gateway may leave the code of an identifier in hexadecimal digits. */
function fullApplicationId(written: string): string {
  return /^[0-9a-f]{1,6}$/i.test(written) ? applicationIdOfCode(Number.parseInt(written, 16)) : written;
}
