/** What the network sent is not MSRP, and where the next frame starts cannot be told: the connection has to go. */

import { MalformedError } from '../errors.js';

export class MalformedMsrp extends MalformedError {}
