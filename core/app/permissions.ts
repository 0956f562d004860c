/** What an application may do, where its manifest or the host's configuration says. */
export interface AppPermissions {
  /** Origins that `fetch` may go to, of those that the host allows: `https://*.weather.test`. Absent: all of those. */
  readonly fetch?: readonly string[];
  /** Bytes of keys and values in `storage`; absent: no bound. */
  readonly storage?: number;
  /** Bytes of all its `files` together; the host's own bound when absent. */
  readonly files?: number;
}
