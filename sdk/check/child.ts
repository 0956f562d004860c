/**
 * The process in which the application runs. It runs the steps in order and reports each to its parent, so that the
 * findings survive a crash of this process.
 */

import { exportedApplication } from '../../core/app/application/default-export.js';
import { type Manifest, readManifest } from '../../core/app/contract/manifest.js';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import {
  disagreementsOf,
  disagreementText,
  type StaticManifest,
} from '../../core/app/contract/static-manifest.js';
import { ConfigurationError } from '../../core/errors.js';
import { optionsDifference } from '../manifest/options-difference.js';
import { optionsSchemaOf } from '../manifest/options-schema.js';
import { addWith, requireServices } from '../manifest/required-services.js';
import type { HostedDefinition } from '../testing/index.js';
import { type Finding, locationOf } from './finding.js';
import type { CheckedApp } from './plan.js';
import { StepContext } from './step-context.js';
import { reason } from './steps/start-stop.js';
import { FUNDAMENTAL, STEPS } from './suite.js';

/** The one message from the parent to the child. */
export interface CheckRequest {
  readonly app: CheckedApp;
  /** Other applications, which may provide services that `app` needs. */
  readonly others: readonly CheckedApp[];
  /** Index of the first step to run. */
  readonly from: number;
  /** Rules of which earlier steps have found a violation. */
  readonly found: readonly string[];
}

/** A message from the child to the parent. `step` reports that a step begins; -1 stands for loading the application. */
export type ChildMessage =
  | { readonly type: 'step'; readonly step: number; readonly id?: string }
  | { readonly type: 'finding'; readonly finding: Finding }
  | { readonly type: 'alive' }
  | { readonly type: 'done' };

/** Milliseconds between `alive` messages. */
const HEARTBEAT = 500;

const sendToParent = process.send?.bind(process);

// Without a parent there is no reader for the results.
process.once('disconnect', () => process.exit());
process.once('message', (request) => {
  void check(request as CheckRequest);
});

async function check({ app, others, from, found: earlier }: CheckRequest): Promise<void> {
  let id = app.declared?.id;
  const found = new Set(earlier);
  const report = (finding: Finding) => {
    // A warning does not explain the findings of other steps.
    if (finding.severity === 'error') found.add(finding.rule);
    send({ type: 'finding', finding: id === undefined ? finding : { app: id, ...finding } });
  };
  const location = (error: unknown) =>
    locationOf(error, app.folder) ?? decodeURIComponent(app.module.replace(/^.*\//, ''));
  const unhandled = (what: string) => (error: unknown) =>
    report({
      rule: 'unhandled',
      severity: 'error',
      what: `${what}: ${reason(error)}`,
      where: location(error),
      change: 'await every promise or handle its rejection; catch errors in callbacks',
    });
  process.on('unhandledRejection', unhandled('a promise rejected without a handler'));
  process.on('uncaughtException', unhandled('an error was thrown without a handler'));
  // Node.js opens these streams on first access. They are opened here, so that they do not count as leaks of the application.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  send({ type: 'step', step: -1 });
  setInterval(() => send({ type: 'alive' }), HEARTBEAT).unref();
  const definition = await load(app, report, location);
  id = definition?.id;
  if (definition) {
    const providers = await providersFor(definition, others);
    await requireProviders([...providers.map((each) => each.definition), definition], app, report);
    const context = new StepContext(app, definition, providers, report);
    for (const [index, step] of STEPS.entries()) {
      const explained = [...FUNDAMENTAL, ...(step.after ?? [])].some((rule) => found.has(rule));
      if (index < from || explained) continue;
      send({ type: 'step', step: index, id: definition.id });
      await step.run(context).catch((error: unknown) => {
        // A start that fails intermittently has already been reported.
        if (!found.has('starts-again')) reportStepFailure(context, step.name, error);
      });
    }
  }
  send({ type: 'done' });
  process.disconnect();
  // Ends the process even if the application left timers or handles. They are already reported.
  process.exit();
}

/** Reports an error that the step does not handle: usually the application fails to start again. */
function reportStepFailure(context: StepContext, step: string, error: unknown): void {
  context.addFinding({
    rule: 'starts',
    severity: 'error',
    what: `the check of ${step} could not continue: ${reason(error)}`,
    where: context.locationOf(error) ?? context.locationOf(Object(error).cause),
    change: 'make start succeed every time it is called with the options of the check',
  });
}

async function load(
  app: CheckedApp,
  report: (finding: Finding) => void,
  location: (error: unknown) => string,
): Promise<PushAppDefinition | undefined> {
  const { module, declared, missing, undeclared = [] } = app;
  try {
    if (missing !== undefined) throw new ConfigurationError(missing);
    const definition = exportedApplication(await import(module)) as PushAppDefinition;
    // Validates the definition as the runtime does.
    const manifest = readManifest(definition);
    for (const finding of declared ? disagreements(declared, manifest) : []) report(finding);
    if (declared) await reportStaleOptions(app, manifest, report);
    for (const name of undeclared) report(undeclaredFinding(name));
    return definition;
  } catch (error) {
    report({
      rule: 'definition',
      severity: 'error',
      what: reason(error),
      where: location(error),
      change:
        'build the package, and export default definePushApp({ … }) from the module that package.json names',
    });
    return undefined;
  }
}

function undeclaredFinding(name: string): Finding {
  return {
    rule: 'dependencies',
    severity: 'error',
    what: `the application imports ${name}, which its package.json does not declare: it is not installed with the package`,
    where: 'package.json: dependencies',
    change: `run "npm install ${name}"; sip-push belongs in peerDependencies`,
  };
}

/** Applications that provide services this application needs, with the providers those need. */
async function providersFor(
  { needs = [] }: PushAppDefinition,
  others: readonly CheckedApp[],
): Promise<HostedDefinition[]> {
  // Names without a dot are services of the host.
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

/** Reports a service without a provider, before the application starts. */
async function requireProviders(
  definitions: readonly PushAppDefinition[],
  { folder }: CheckedApp,
  report: (finding: Finding) => void,
): Promise<void> {
  await requireServices(definitions, folder, addWith).catch((error: unknown) =>
    report({
      rule: 'needs',
      severity: 'error',
      what: reason(error),
      where: 'needs of the definition',
      change: 'need services that exist; --with loads an application of another package that provides one',
    }),
  );
}

async function loadProvider({ module, options, permissions }: CheckedApp): Promise<HostedDefinition> {
  const definition = exportedApplication(await import(module)) as PushAppDefinition;
  return { definition, options, permissions };
}

function* disagreements(declared: StaticManifest, manifest: Manifest): Generator<Finding> {
  for (const disagreement of disagreementsOf(declared, manifest)) {
    yield staleManifest(manifest.eventAppId, disagreement.key, disagreementText(disagreement));
  }
}

async function reportStaleOptions(
  { folder, optionsSchema }: CheckedApp,
  { eventAppId, options }: Manifest,
  report: (finding: Finding) => void,
): Promise<void> {
  const { schema } = options ? await optionsSchemaOf(options, folder) : {};
  const difference = schema && optionsDifference(optionsSchema, schema);
  if (difference !== undefined) report(staleManifest(eventAppId, 'options', difference));
}

function staleManifest(app: string, key: string, what: string): Finding {
  return {
    rule: 'manifest-agrees',
    severity: 'error',
    app,
    what,
    where: `package.json: sipPush.apps[].${key}`,
    change: 'run "sip-push build", which writes the manifest from the definition',
  };
}

function send(message: ChildMessage): void {
  sendToParent?.(message);
}
