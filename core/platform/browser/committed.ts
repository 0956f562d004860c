/** The end of a transaction of IndexedDB. */

/** Resolves when all of it is written; rejects when nothing is, as when there is no room. */
export function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error('the browser gave the transaction up'));
  });
}
