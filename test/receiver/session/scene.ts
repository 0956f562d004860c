/** The set-up of tests with one receiver, and a sender whose MSRP endpoint the test writes. */

import { afterEach, beforeEach } from 'vitest';
import { type PushSession, SessionReceiver } from '../../support/agents/session-receiver.js';
import { descriptionOf, mediaOf, type Offered } from '../../support/msrp/push-offers.js';
import { RawListener } from '../../support/msrp/raw-msrp.js';
import { SenderEnd } from '../../support/msrp/sender-end.js';

class SessionScene {
  /** Receives the pushes. A test can start another one. */
  receiver!: SessionReceiver;
  /** Where the receiver connects to the sender. */
  listener!: RawListener;

  async start(): Promise<void> {
    this.listener = await RawListener.open();
    this.receiver = await SessionReceiver.start();
  }

  async stop(): Promise<void> {
    await this.receiver.stop();
    this.listener.close();
  }

  /** The media lines of a file or of messages that the sender offers. */
  media(offered: Offered): string {
    return mediaOf(this.listener.address, offered);
  }

  /** Offers files or messages in an INVITE, one a line. */
  offering(...offered: readonly Offered[]): Promise<PushSession> {
    return this.receiver.invite(descriptionOf(offered.map((each) => this.media(each))));
  }

  /** The bound session of one line. */
  async bound(offered: Offered): Promise<{ session: PushSession; end: SenderEnd }> {
    const session = await this.offering(offered);
    return { session, end: await SenderEnd.bound(this.listener) };
  }
}

/** A scene for each test of the file that calls it. */
export function sessionScene(): SessionScene {
  const scene = new SessionScene();
  beforeEach(() => scene.start());
  afterEach(() => scene.stop());
  return scene;
}
