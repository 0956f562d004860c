/** The place of a line behind a relay of this device (RFC 4976 5.1): it is connected before the answer names it. */

import { LimitError, TimeoutError, TransportError } from '../../errors.js';
import { type MsrpRelay, MsrpRefused, type MsrpSession } from '../../msrp/index.js';
import type { Address } from '../../platform/platform.js';
import type { MsrpMedia } from '../../sdp/index.js';
import { TurnedAway } from '../turned-away.js';
import type { MediaHandlers, MediaPlace } from './media-connector.js';

export class RelayedPlace implements MediaPlace {
  #handlers: MediaHandlers | undefined;

  private constructor(
    readonly port: number,
    private readonly opening: (place: RelayedPlace) => Promise<MsrpSession>,
  ) {}
}
