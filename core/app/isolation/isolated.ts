/** An application in a worker, as the runtime loads it: a definition like any other. */

import { ConfigurationError } from '../../errors.js';
import type { StandardSchemaV1 } from '../contract/options.js';
import type { PushAppDefinition } from '../contract/push-app.js';
import { IsolatedApp } from './isolated-app.js';
import { DEFAULT_MEMORY, DEFAULT_UNRESPONSIVE, MIN_MEMORY, UNUSED_FOR } from './limits.js';
import { type LifeOptions, WorkerLife } from './worker-life.js';

/** Bounds of an application in a worker. */
export interface WorkerIsolation {
  /**
   * Bytes of heap, and of buffers beside it, garbage that is not collected yet among them: past it the worker is ended,
   * and started again. 256 MiB when absent.
   */
  readonly memory?: number;
  /** Seconds that its event loop may stand still before it is ended, and started again; 5 when absent. */
  readonly unresponsive?: number;
}

/** Which application, and where its worker begins. */
export interface IsolatedOptions extends WorkerIsolation {
  /** URL of the application's module; where `script` is another, whatever that knows it by. */
  readonly module: string;
  /**
   * The worker's script, which calls `serveWorker` of `sip-push/worker`; in a bundle that is the bundle itself. The
   * package's own when absent: it imports `module`, whose default export is the application.
   */
  readonly script?: URL;
}

/** A hook may ask for a second of event loop, but not for a year of it. */
const MAX_UNRESPONSIVE = 3600;

/**
 * Starts a worker that imports the module and says what is in it. The definition's `start` runs the application there.
 * @throws ConfigurationError where there are no workers, or the module is no application; with what its import throws.
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
