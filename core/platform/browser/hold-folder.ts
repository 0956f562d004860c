/** A folder is one host's at a time, whichever tab or window it is in. */

import { ConfigurationError } from '../../errors.js';

/** What a page that was left, or loaded anew, may take to let go, milliseconds. */
const PATIENCE_MS = 2_000;

/**
 * @returns what lets go of it; a page that ends does so, too.
 * @throws ConfigurationError when another page has it. Where a browser has no locks (a page that is not by https, nor
 * of this machine) nobody is asked.
 */
export async function holdFolder(folder: string): Promise<() => void> {
  // Not there on an insecure page, whatever its type says.
  const locks: LockManager | undefined = navigator.locks;
  if (!locks) return () => {};
  return await new Promise((resolve, reject) => {
    locks
      .request(
        `sip-push ${folder}`,
        { signal: AbortSignal.timeout(PATIENCE_MS) },
        () => new Promise<void>((release) => resolve(release)),
      )
      .catch(() => {
        reject(
          new ConfigurationError(`the store in ${folder} is open in another page; give each host a folder`),
        );
      });
  });
}
