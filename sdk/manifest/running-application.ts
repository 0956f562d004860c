/** Which application of this thread runs, so that a line that it prints has its name. */

import type { PushAppDefinition, PushAppInstance } from '../../core/app/contract/push-app.js';

/** Known while a call of the application has not returned; lines that it prints later have no name. */
let running: string | undefined;

const HOOKS = ['consider', 'receive', 'describe', 'negotiated', 'alarm', 'stop'] as const;

type Call = (...args: never[]) => unknown;

/** The name of the application whose code calls this; undefined if it is not known. */
export function runningApplication(): string | undefined {
  return running;
}

/** Runs what belongs to an application, such as a call of its hook. */
export function runAs<T>(name: string, run: () => T): T {
  const before = running;
  running = name;
  try {
    return run();
  } finally {
    running = before;
  }
}

/** The definition with hooks and queries that run as the application. An invalid definition is returned as it is. */
export function namedDefinition(definition: PushAppDefinition): PushAppDefinition {
  const { id, start }: Partial<PushAppDefinition> = Object(definition);
  if (typeof id !== 'string' || typeof start !== 'function') return definition;
  return {
    ...definition,
    start: (context) =>
      runAs(id, async () => namedInstance(id, await Reflect.apply(start, definition, [context]))),
  };
}

function namedInstance(id: string, instance: PushAppInstance): PushAppInstance {
  if (typeof instance !== 'object' || instance === null) return instance;
  const named = (call: Call) => {
    const run = (...args: unknown[]) => runAs(id, () => Reflect.apply(call, instance, args));
    // The runtime counts the parameters of `receive`.
    return Object.defineProperty(run, 'length', { value: call.length });
  };
  const { queries } = instance;
  // The runtime reports unknown members of a plain object. An instance of a class has members of its own.
  const plain = Object.getPrototypeOf(instance) === Object.prototype;
  const members: PushAppInstance = plain ? instance : { receive: instance.receive };
  return {
    ...members,
    ...namedCalls(
      HOOKS.map((hook) => [hook, instance[hook]]),
      named,
    ),
    queries: queries && (namedCalls(Object.entries(queries), named) as PushAppInstance['queries']),
    services: instance.services,
  };
}

function namedCalls(
  calls: readonly (readonly [name: string, call: unknown])[],
  named: (call: Call) => Call,
): Record<string, unknown> {
  return Object.fromEntries(
    calls
      .filter(([, call]) => call !== undefined)
      .map(([name, call]) => [name, typeof call === 'function' ? named(call as Call) : call]),
  );
}
