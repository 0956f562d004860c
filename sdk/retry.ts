/**
 * Whether trying again makes sense after what was thrown. It does, but for errors that say otherwise by a `transient`
 * of false, as those of the `fetch` service do when the host's configuration does not let them pass, say.
 */
export function isTransient(thrown: unknown): boolean {
  return !(thrown instanceof Error && 'transient' in thrown && thrown.transient === false);
}
