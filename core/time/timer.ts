/** The one timer that something has at a time. Setting it again forgets what was set. */
export class Timer {
  #timer: ReturnType<typeof setTimeout> | undefined;

  get running(): boolean {
    return this.#timer !== undefined;
  }

  set(milliseconds: number, ring: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      ring();
    }, milliseconds);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
