/** A push that waits in more than one queue, and goes when its turn comes in any. */

import type { Turn } from './slots.js';

export class EitherTurn implements Turn {
  readonly ready: Promise<boolean>;
  readonly #waiting = new Set<Turn>();
  #resolve: (ready: boolean) => void = () => {};
  /** Its turn has come, or never will. */
  #decided = false;
  #mine: Turn | undefined;

  constructor(
    turn: Turn,
    private readonly onLeft: () => void,
  ) {
    this.ready = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.add(turn);
  }

  /** Waits there as well. */
  add(turn: Turn): void {
    if (this.#decided) {
      turn.leave();
      return;
    }
    this.#waiting.add(turn);
    void turn.ready.then((goes) => (goes ? this.#come(turn) : this.#gone(turn)));
  }

  /** Waits no longer; a turn that has come stays. */
  giveUp(): void {
    if (this.#decided) return;
    this.#decide(false);
    this.onLeft();
  }

  leave(): void {
    this.giveUp();
    if (!this.#mine) return;
    this.#mine.leave();
    this.#mine = undefined;
    this.onLeft();
  }

  #come(turn: Turn): void {
    this.#waiting.delete(turn);
    if (this.#decided) {
      turn.leave();
      return;
    }
    this.#mine = turn;
    this.#decide(true);
  }

  #gone(turn: Turn): void {
    this.#waiting.delete(turn);
    if (this.#waiting.size === 0) this.giveUp();
  }

  #decide(ready: boolean): void {
    this.#decided = true;
    for (const turn of this.#waiting) turn.leave();
    this.#waiting.clear();
    this.#resolve(ready);
  }
}
