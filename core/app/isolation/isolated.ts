/** The definition of an application whose code runs in a worker. */

import { ConfigurationError } from '../../errors.js';
import type { StandardSchemaV1 } from '../contract/options.js';
import type { PushAppDefinition, StartContext } from '../contract/push-app.js';
import { LOGS_WORKER } from '../contract/unavailable.js';
import { AppWorker, type AppWorkerOptions } from './app-worker.js';
import { IsolatedApp } from './isolated-app.js';
import { DEFAULT_MEMORY, DEFAULT_UNRESPONSIVE, MIN_MEMORY, UNUSED_FOR } from './limits.js';

/** Limits of an application in a worker. */
export interface WorkerIsolation {
  /**
   * Bytes of heap and array buffers, including garbage; 256 MiB by default. A worker that exceeds it is restarted.
   */
  readonly memory?: number;
  /** Seconds that the event loop can block before the worker is restarted; 5 by default. */
  readonly unresponsive?: number;
}

/** An application in a worker. */
export interface IsolatedOptions extends WorkerIsolation {
  /** URL of the application's module, or the name that `script` knows it by. */
  readonly module: string;
  /**
   * Script of the worker, which calls `serveWorker` of `sip-push/worker`. The default script imports `module`, whose
   * default export is the application.
   */
  readonly script?: URL;
}

/** Limit of `unresponsive` in seconds. */
const MAX_UNRESPONSIVE = 3600;

/**
 * Starts a worker that imports the module. The `start` of the returned definition runs the application in the worker.
 * @throws ConfigurationError if the platform has no workers or the module is not an application; the error of its
 * import.
 */
export async function isolated(options: IsolatedOptions): Promise<PushAppDefinition> {
  const settings = workerOptions(options);
  const first = await AppWorker.load(settings);
  const unused = new UnusedWorker(first.worker);
  const { definition } = first;
  // The runtime validates the definition when it loads it.
  const { schema, ...plain } = definition as PlainDefinition;
  const isolatedDefinition = {
    ...plain,
    [LOGS_WORKER]: true,
    options: schema === true ? workerSchema(unused) : undefined,
    start: (context: unknown) =>
      IsolatedApp.start({
        options: settings,
        definition,
        worker: unused.claim(),
        context: context as StartContext,
      }),
  };
  return isolatedDefinition;
}

type PlainDefinition = Pick<PushAppDefinition, 'id' | 'accepts'> & { schema?: unknown };

/** The schema is in the worker. The worker parses the options again at start, so parsed values are not transferred. */
function workerSchema(unused: UnusedWorker): StandardSchemaV1 {
  return {
    '~standard': {
      version: 1,
      vendor: 'sip-push',
      validate: async (value) => {
        const issues = await unused.worker?.issuesOf(value);
        return issues ? { issues } : { value };
      },
    },
  };
}

/** A worker that has loaded its module and waits for `start`. It ends when the wait is too long. */
class UnusedWorker {
  readonly #timer: ReturnType<typeof setTimeout>;
  #worker: AppWorker | undefined;

  constructor(worker: AppWorker) {
    this.#worker = worker;
    worker.keepsProcess(false);
    void worker.ended.then(() => this.claim());
    this.#timer = setTimeout(
      () => this.claim()?.end(new ConfigurationError('it was not started in time')),
      UNUSED_FOR,
    );
    detach(this.#timer);
  }

  get worker(): AppWorker | undefined {
    return this.#worker;
  }

  claim(): AppWorker | undefined {
    clearTimeout(this.#timer);
    const worker = this.#worker;
    this.#worker = undefined;
    worker?.keepsProcess(true);
    return worker;
  }
}

function workerOptions({ module, script, memory, unresponsive }: IsolatedOptions): AppWorkerOptions {
  const seconds = unresponsive ?? DEFAULT_UNRESPONSIVE / 1000;
  if (!(seconds > 0 && seconds <= MAX_UNRESPONSIVE)) {
    throw new ConfigurationError(
      `invalid isolation.unresponsive ${seconds}: expected seconds, more than 0 and at most ${MAX_UNRESPONSIVE}`,
    );
  }
  if (memory !== undefined && !(Number.isSafeInteger(memory) && memory >= MIN_MEMORY)) {
    throw new ConfigurationError(`invalid isolation.memory ${memory}: expected at least ${MIN_MEMORY} bytes`);
  }
  return {
    module,
    script: script ?? new URL('../../worker-script.js', import.meta.url),
    memory: memory ?? DEFAULT_MEMORY,
    unresponsive: seconds * 1000,
  };
}

/** The timer does not keep the process running. */
function detach(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function') {
    timer.unref();
  }
}
