/** The place of a line behind a relay of this device (RFC 4976 5.1): it is there before the answer names it. */

import { LimitError, TimeoutError, TransportError } from '../../errors.js';
import { MsrpRefused, MsrpRelay, type MsrpSession, type RelayAccount } from '../../msrp/index.js';
import type { Address } from '../../platform/platform.js';
import type { MsrpMedia } from '../../sdp/index.js';
import { digestAnswers } from '../../sip/digest-answers.js';
import { TurnedAway } from '../turned-away.js';
import type { MediaHandlers, MediaPlace, OpenMediaRelay } from './media-connector.js';

/**
 * Senders reach this device through an MSRP relay (8.2.1-11).
 * @throws ConfigurationError when the URI of the relay is invalid.
 */
export function throughRelay(account: RelayAccount): OpenMediaRelay {
  return (network) => {
    const answerChallenges = digestAnswers(account.credentials, 'AUTH');
    const relay = new MsrpRelay({ ...account, ...network, answerChallenges });
    return {
      protocol: relay.protocol,
      place: (here, signal) => RelayedPlace.open(relay, here, signal),
      close: () => relay.close(),
    };
  };
}

class RelayedPlace implements MediaPlace {
  readonly port: number;

  private constructor(
    here: Address,
    private readonly session: MsrpSession,
    /** Of the session, as soon as there are any. */
    private readonly late: { handlers?: MediaHandlers },
  ) {
    this.port = here.port;
  }

  /** @throws TurnedAway, ConfigurationError when the relay cannot be used; the reason of the signal. */
  static async open(relay: MsrpRelay, here: Address, signal: AbortSignal): Promise<RelayedPlace> {
    const late: { handlers?: MediaHandlers } = {};
    const handlers: Required<MediaHandlers> = {
      onMessage: (head) => {
        const { onMessage } = late.handlers ?? {};
        if (!onMessage) throw new MsrpRefused(403, 'nobody was told of this session yet');
        return onMessage(head);
      },
      onClosed: (error) => late.handlers?.onClosed?.(error),
    };
    try {
      return new RelayedPlace(here, await relay.open(here, handlers, signal), late);
    } catch (error) {
      throw signal.aborted ? signal.reason : asRefusal(error);
    }
  }

  get path(): readonly string[] {
    return this.session.localPath;
  }

  async connect(media: MsrpMedia, signal: AbortSignal, handlers: MediaHandlers): Promise<MsrpSession> {
    const { session } = this;
    if (signal.aborted) session.close();
    signal.throwIfAborted();
    if (session.closed) throw new TransportError('the connection to the MSRP relay was lost');
    this.late.handlers = handlers;
    session.remotePath = media.path;
    // 8.2.1-08: a sender that knows no relays waits for us, and ours connects to it. Others come, or are there.
    session.introduce();
    return session;
  }

  close(): void {
    this.session.close();
  }
}

/** What may be over when the sender tries again. */
function asRefusal(error: unknown): unknown {
  const passing = [TransportError, TimeoutError, LimitError].some((kind) => error instanceof kind);
  return passing ? new TurnedAway('resources', `no MSRP relay: ${(error as Error).message}`) : error;
}
