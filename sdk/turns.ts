/** Tasks one after another: for what depends on what an application keeps, since several pushes may come at once. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` when those before it have ended, however they did. Resolves and rejects as it does. */
  take<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#last.then(task);
    this.#last = done.catch(() => {});
    return done;
  }
}
