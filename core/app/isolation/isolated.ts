/** An application in a worker, as the runtime loads it: a definition like any other. */

import { ConfigurationError } from '../../errors.js';
import type { StandardSchemaV1 } from '../contract/options.js';
import type { PushAppDefinition } from '../contract/push-app.js';
import { IsolatedApp } from './isolated-app.js';
import { DEFAULT_MEMORY, DEFAULT_UNRESPONSIVE, MIN_MEMORY, UNUSED_FOR } from './limits.js';
import { type LifeOptions, WorkerLife } from './worker-life.js';

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

/** A hook may ask for a second of event loop, but not for a year of it. */
const MAX_UNRESPONSIVE = 3600;

/**
 * Starts a worker that imports the module. The `start` of the returned definition runs the application in the worker.
 * @throws ConfigurationError if the platform has no workers or the module is not an application; the error of its
 * import.
 */
export async function isolated(options: IsolatedOptions): Promise<PushAppDefinition> {
  const life = lifeOptions(options);
  const first = await WorkerLife.load(life);
  const unused = new UnusedLife(first.life);
  const { definition } = first;
  // What is wrong with the rest, the runtime says.
  const { schema, needs, ...plain } = definition as PlainDefinition;
  return {
    ...plain,
    // For what it writes to its standard output, and what becomes of its worker.
    needs: [...new Set([...(Array.isArray(needs) ? needs : []), 'log'])],
    ...(schema === true ? { options: schemaThere(unused) } : {}),
    start: (context) => IsolatedApp.start({ options: life, definition, life: unused.take(), context }),
  };
}

type PlainDefinition = Pick<PushAppDefinition, 'id' | 'accepts' | 'needs'> & { schema?: unknown };

/** Its schema is in the worker, which applies it again when it starts: what that makes of options need not cross. */
function schemaThere(unused: UnusedLife): StandardSchemaV1 {
  return {
    '~standard': {
      version: 1,
      vendor: 'sip-push',
      validate: async (value) => {
        const issues = await unused.life?.issuesOf(value);
        return issues ? { issues } : { value };
      },
    },
  };
}

/** A worker that has said what is in its module waits to be started, but not for ever. */
class UnusedLife {
  readonly #timer: ReturnType<typeof setTimeout>;
  #life: WorkerLife | undefined;

  constructor(life: WorkerLife) {
    this.#life = life;
    life.keepsProcess(false);
    void life.ended.then(() => this.take());
    this.#timer = setTimeout(() => this.take()?.end(new ConfigurationError('nobody started it')), UNUSED_FOR);
    detach(this.#timer);
  }

  get life(): WorkerLife | undefined {
    return this.#life;
  }

  take(): WorkerLife | undefined {
    clearTimeout(this.#timer);
    const life = this.#life;
    this.#life = undefined;
    life?.keepsProcess(true);
    return life;
  }
}

function lifeOptions({ module, script, memory, unresponsive }: IsolatedOptions): LifeOptions {
  const seconds = unresponsive ?? DEFAULT_UNRESPONSIVE / 1000;
  if (!(seconds > 0 && seconds <= MAX_UNRESPONSIVE)) {
    throw new ConfigurationError(
      `isolation.unresponsive is ${seconds}; expected seconds, more than 0 and at most ${MAX_UNRESPONSIVE}`,
    );
  }
  if (memory !== undefined && !(Number.isSafeInteger(memory) && memory >= MIN_MEMORY)) {
    throw new ConfigurationError(`isolation.memory is ${memory}; expected bytes, ${MIN_MEMORY} or more`);
  }
  return {
    module,
    script: script ?? new URL('../../worker-script.js', import.meta.url),
    memory: memory ?? DEFAULT_MEMORY,
    unresponsive: seconds * 1000,
  };
}

/** So that a process which has nothing else to do may end. */
function detach(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function') {
    timer.unref();
  }
}
