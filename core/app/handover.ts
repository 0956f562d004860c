/** A push given to its application once, and what is recorded when that takes it. */

import type { Content } from '../content/content.js';
import type { Application } from './application.js';
import { type AttemptResult, attempt } from './attempt.js';
import type { Clock } from './clock.js';
import type { Delivery } from './delivery.js';
import type { Endings } from './endings.js';
import { inject, injectable } from './injection.js';
import type { RecentPushes } from './recent.js';
import type { Turn } from './slots.js';
import { CLOCK, ENDINGS, RECENT, TRANSFER_ROOM } from './tokens.js';
import type { TransferRoom } from './transfer-room.js';

@injectable()
export class Handover {
  constructor(
    @inject(ENDINGS) private readonly endings: Endings,
    @inject(RECENT) private readonly recent: RecentPushes,
    @inject(TRANSFER_ROOM) private readonly room: TransferRoom,
    @inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Never rejects. A push that is taken has ended when it resolves; its content is there while `receive` goes on. */
  async give(app: Application, delivery: Delivery, content: Content, turn: Turn): Promise<AttemptResult> {
    const { endings, clock } = this;
    const milliseconds = app.manifest.receiveSeconds * 1000;
    const { file } = delivery.record;
    if (file === undefined) {
      const result = await attempt({ app, delivery, content, endings, clock, milliseconds, turn });
      if (result.type !== 'taken') return result;
      await endings.take(delivery);
      this.recent.add(delivery.record, content);
      return result;
    }
    const release = this.room.use(file);
    const using = whileUsed(turn, this.room.use(file));
    const result = await attempt({ app, delivery, content, endings, clock, milliseconds, turn: using });
    if (result.type === 'taken') {
      await this.recent.addFile(delivery.record, content);
      await endings.take(delivery);
    }
    await release();
    return result;
  }
}

/** The file is released with the slot. */
function whileUsed(turn: Turn, release: () => Promise<void>): Turn {
  const leave = () => {
    turn.leave();
    void release();
  };
  return { ready: turn.ready, leave };
}
