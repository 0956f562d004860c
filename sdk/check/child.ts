/**
 * The process in which the application runs: it does one step after another, and tells its parent of each. The
 * application may do what it likes to it.
 */

import { canonicalEventAppId } from '../../core/app/contract/event-app-id.js';
import { readManifest } from '../../core/app/contract/manifest.js';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import type { HostedDefinition } from '../testing/index.js';
import { Bench } from './bench.js';
import { type Finding, locationOf } from './finding.js';
import type { CheckedApp } from './plan.js';
import { reason } from './steps/start-stop.js';
import { STEPS } from './suite.js';

/** What the parent tells its child, once. */
export interface CheckRequest {
  readonly app: CheckedApp;
  /** Of the same package: they may provide what it needs. */
  readonly others: readonly CheckedApp[];
  /** Of the first step that is still to be done. */
  readonly from: number;
}

/** What the child tells. `step`: that one begins, -1 for loading it. */
export type ChildMessage =
  | { readonly type: 'step'; readonly step: number; readonly id?: string }
  | { readonly type: 'finding'; readonly finding: Finding }
  | { readonly type: 'alive' }
  | { readonly type: 'done' };

/** Who breaks these breaks every step after it: they are to be mended first. */
const FUNDAMENTAL = ['starts', 'receive-ends'];
/** Milliseconds between signs of life. */
const HEARTBEAT = 500;

const sendToParent = process.send?.bind(process);

// Whoever wanted to know is gone.
process.once('disconnect', () => process.exit());
process.once('message', (order) => {
  void check(order as CheckRequest);
});

async function check({ app, others, from }: CheckRequest): Promise<void> {
  let id = app.declared?.id;
  const found = new Set<string>();
  const report = (finding: Finding) => {
    found.add(finding.rule);
    send({ type: 'finding', finding: id === undefined ? finding : { app: id, ...finding } });
  };
  const place = (error: unknown) => locationOf(error, app.folder) ?? app.module.replace(/^.*\//, '');
  const stray = (what: string) => (error: unknown) =>
    report({
      rule: 'unhandled',
      severity: 'error',
      what: `${what}: ${reason(error)}`,
      where: place(error),
      change: 'await every promise, or catch what it rejects with; catch what callbacks throw',
    });
  process.on('unhandledRejection', stray('a promise rejected, and nobody looked'));
  process.on('uncaughtException', stray('an error was thrown to nobody'));
  // Node.js opens them when they are first asked for: then they would look like the application's.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  send({ type: 'step', step: -1 });
  setInterval(() => send({ type: 'alive' }), HEARTBEAT).unref();
  const definition = await load(app, report, place);
  id = definition?.id;
  if (definition) {
    const bench = new Bench(app, definition, await providersFor(definition, others), report);
    for (const [index, step] of STEPS.entries()) {
      if (index < from || FUNDAMENTAL.some((rule) => found.has(rule))) continue;
      send({ type: 'step', step: index, id: definition.id });
      await step.run(bench).catch((error: unknown) => {
        // Of a start that fails at times, which was found.
        if (!found.has('starts-again')) reportStepFailure(bench, step.name, error);
      });
    }
  }
  send({ type: 'done' });
  process.disconnect();
  // Whatever the application has left: it was told of.
  process.exit();
}

/** The application does what no step foresees: as a rule it does not start again. */
function reportStepFailure(bench: Bench, step: string, error: unknown): void {
  bench.addFinding({
    rule: 'starts',
    severity: 'error',
    what: `the check of ${step} could not go on: ${reason(error)}`,
    locationOf: bench.where(error) ?? bench.where(Object(error).cause),
    change: 'make it start, with the options of the check, as often as it is asked to',
  });
}

async function load(
  { module, declared }: CheckedApp,
  report: (finding: Finding) => void,
  place: (error: unknown) => string,
): Promise<PushAppDefinition | undefined> {
  try {
    const { default: definition }: { default?: unknown } = await import(module);
    // Reads it as the runtime does, and throws where it would.
    const manifest = readManifest(definition as PushAppDefinition);
    for (const finding of declared ? disagreements(declared, manifest) : []) report(finding);
    return definition as PushAppDefinition;
  } catch (error) {
    report({
      rule: 'definition',
      severity: 'error',
      what: reason(error),
      where: place(error),
      change: 'export default definePushApp({ … }) from the module that package.json names, built',
    });
    return undefined;
  }
}

/** Applications of the package that provide what this one needs, and what those need. */
async function providersFor(
  { needs = [] }: PushAppDefinition,
  others: readonly CheckedApp[],
): Promise<HostedDefinition[]> {
  // As long as it is the host alone that is asked, nothing else runs.
  if (!needs.some((need) => need.includes('.'))) return [];
  const loaded = await Promise.all(others.map(loadProvider));
  const found = new Set<HostedDefinition>();
  const wanted = [...needs];
  for (let need = wanted.shift(); need !== undefined; need = wanted.shift()) {
    const name = need;
    const provider = loaded.find(({ definition }) => definition.provides?.includes(name));
    if (!provider || found.has(provider)) continue;
    found.add(provider);
    wanted.push(...(provider.definition.needs ?? []));
  }
  return [...found];
}

async function loadProvider({ module, options, permissions }: CheckedApp): Promise<HostedDefinition> {
  const { default: definition }: { default: PushAppDefinition } = await import(module);
  return { definition, options, permissions };
}

function* disagreements(
  declared: NonNullable<CheckedApp['declared']>,
  { eventAppId, accepts, iari }: ReturnType<typeof readManifest>,
): Generator<Finding> {
  const pairs = [
    ['id', canonicalEventAppId(declared.id), eventAppId],
    ['accepts', [...declared.accepts].sort().join(', '), [...accepts].sort().join(', ')],
    ['iari', declared.iari, iari],
  ] as const;
  for (const [key, said, is] of pairs) {
    if (said === is) continue;
    yield {
      rule: 'manifest-agrees',
      severity: 'error',
      app: eventAppId,
      what: `${key} is ${said ?? 'absent'} in package.json, and ${is ?? 'absent'} in its module`,
      where: `package.json: sipPush.apps[].${key}`,
      change: 'write the same in both',
    };
  }
}

function send(news: ChildMessage): void {
  sendToParent?.(news);
}
