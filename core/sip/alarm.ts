/** The one timer that a transaction or a flow has at a time. Setting it again forgets what was set. */
export class Alarm {
  #timer: ReturnType<typeof setTimeout> | undefined;

  set(milliseconds: number, ring: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(ring, milliseconds);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
