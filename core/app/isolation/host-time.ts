/** The time as the host has it, in a worker: a test's clock goes over as its distance from the real one. */
export class HostTime {
  /** Milliseconds that the host's clock is ahead. */
  ahead = 0;

  now(): number {
    return Date.now() + this.ahead;
  }
}
