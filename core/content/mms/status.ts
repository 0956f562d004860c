/** What became of a message, by octet: X-Mms-Status, X-Mms-Read-Status, X-Mms-Retrieve-Status. */

import { enumerated, type MmsValue } from './value.js';

const statuses = [
  'expired',
  'retrieved',
  'rejected',
  'deferred',
  'unrecognised',
  'indeterminate',
  'forwarded',
  'unreachable',
] as const;
const readStatuses = ['read', 'deleted-without-being-read'] as const;
const retrieveStatuses = {
  ok: 0x80,
  'transient-failure': 0xc0,
  'transient-message-not-found': 0xc1,
  'transient-network-problem': 0xc2,
  'permanent-failure': 0xe0,
  'permanent-service-denied': 0xe1,
  'permanent-message-not-found': 0xe2,
  'permanent-content-unsupported': 0xe3,
} as const;

/** What became of a message (OMA-TS-MMS_ENC 7.3.51). */
export type MmsStatus = (typeof statuses)[number];
/** Whether a message was read (OMA-TS-MMS_ENC 7.3.37). */
export type MmsReadStatus = (typeof readStatuses)[number];
/** How a retrieval ended (OMA-TS-MMS_ENC 7.3.50). */
export type MmsRetrieveStatus = keyof typeof retrieveStatuses;

/** OMA-TS-MMS_ENC 7.3.51 */
export const status: MmsValue<MmsStatus> = enumerated(statuses);

/** OMA-TS-MMS_ENC 7.3.37 */
export const readStatus: MmsValue<MmsReadStatus> = enumerated(readStatuses);

const FIRST_TRANSIENT = 0xc0;
const FIRST_PERMANENT = 0xe0;
// The names are those of the table, which Object.keys cannot say.
const retrieveNames = Object.keys(retrieveStatuses) as MmsRetrieveStatus[];

/** OMA-TS-MMS_ENC 7.3.50: of an octet that is not known its range tells whether a later try makes sense. */
export const retrieveStatus: MmsValue<MmsRetrieveStatus> = {
  read(reader, field) {
    const start = reader.offset;
    const octet = reader.octet(field);
    if (octet < 0x80) throw reader.failure(field, 'one octet (80 and above)', start);
    const known = retrieveNames.find((name) => retrieveStatuses[name] === octet);
    if (known !== undefined) return known;
    if (octet >= FIRST_PERMANENT) return 'permanent-failure';
    return octet >= FIRST_TRANSIENT ? 'transient-failure' : undefined;
  },
  write(writer, value) {
    writer.octet(retrieveStatuses[value]);
  },
};
