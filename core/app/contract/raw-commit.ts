/** Commits for the runtime's own code, which passes on the operations that a worker has collected. */

import type { CommitOperation } from './transaction.js';

/** Property of the arguments of `receive` and `alarm`, and of `storage`. It is not enumerable. */
const COMMIT_OPERATIONS = Symbol('commit operations');

export type CommitOperations = (operations: readonly CommitOperation[]) => Promise<void>;

/** Property of the argument of `receive`, while its content is arriving. It is not enumerable. */
const CONTENT_ARRIVED = Symbol('content arrived');

/** Resolves when a commit of the push can begin; undefined if its content was never arriving. */
export function contentArrivedOf(push: object): (() => Promise<void>) | undefined {
  return Reflect.get(push, CONTENT_ARRIVED) as (() => Promise<void>) | undefined;
}

/** Adds the property to a push whose content is arriving. */
export function withContentArrived<T extends object>(push: T, arrived: () => Promise<void>): T {
  return Object.defineProperty(push, CONTENT_ARRIVED, { value: arrived });
}

/** Adds the property to an object that an application receives. */
export function withCommitOperations<T extends object>(object: T, commit: CommitOperations): T {
  return Object.defineProperty(object, COMMIT_OPERATIONS, { value: commit });
}

export function commitOperationsOf(object: object): CommitOperations {
  const commit: unknown = Reflect.get(object, COMMIT_OPERATIONS);
  if (typeof commit !== 'function')
    throw new TypeError('expected an argument of receive or alarm, or storage');
  return commit as CommitOperations;
}
