/** Tests push applications against the contract, each in its own process with a deadline for each step. */

import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StaleBuild, staleBuildText } from '../manifest/stale-build.js';
import type { CheckRequest, ChildMessage } from './child.js';
import { type Finding, isSame, scoreOf } from './finding.js';
import type { CheckedApp, CheckPlan } from './plan.js';
import { STEPS } from './suite.js';

/** The result of a check. */
export interface CheckReport {
  /** event-app-ids of the applications that could be read. */
  readonly apps: readonly string[];
  readonly findings: readonly Finding[];
  /** Out of 100. */
  readonly score: number;
  readonly milliseconds: number;
}

export interface CheckOptions {
  /** Called when a step begins. */
  onProgress?(progress: { app: string; step: string; done: number; steps: number }): void;
  signal?: AbortSignal;
}

/** In milliseconds. A step of a correct application takes a few seconds. */
const STEP_DEADLINE = 60_000;
/** Milliseconds without a message from the child process, which sends one twice a second. */
const SILENCE_DEADLINE = 10_000;
/** Steps in which an application may hang before the remaining steps are skipped. */
const MAX_HANGS = 2;
/** Applications checked concurrently. A check spends most of its time waiting. */
const CONCURRENCY = 4;
/** Heap of the child process, in megabytes. */
const MAX_HEAP = 512;

const CHILD = new URL('./child.js', import.meta.url);

/** @throws the reason of `options.signal` when it is aborted. */
export async function check(plan: CheckPlan, options: CheckOptions = {}): Promise<CheckReport> {
  const started = performance.now();
  const results: AppResult[] = plan.apps.map(({ declared }) => ({
    findings: [],
    id: declared?.id,
  }));
  const waiting = [...plan.apps.entries()];
  // Holds the temporary files that a killed process leaves behind.
  const scratch = await mkdtemp(join(tmpdir(), 'sip-push-check-'));
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, app] = next;
      const result = results[index];
      if (result) await checkOne({ app, others: othersOf(plan, app) }, result, { ...options, scratch });
    }
  };
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  const stale = plan.stale ? [staleFinding(plan.stale)] : [];
  const findings = [...stale, ...results.flatMap((each) => each.findings)];
  return {
    apps: results.flatMap(({ id }) => id ?? []),
    findings,
    score: scoreOf(findings),
    milliseconds: Math.round(performance.now() - started),
  };
}

function othersOf({ apps, providers = [] }: CheckPlan, app: CheckedApp): CheckedApp[] {
  return [...apps.filter((other) => other !== app), ...providers];
}

interface ProcessOptions extends CheckOptions {
  /** Folder for the temporary files of the child process. */
  scratch: string;
}

interface AppResult {
  id?: string;
  findings: Finding[];
}

async function checkOne(
  request: Omit<CheckRequest, 'from' | 'found'>,
  result: AppResult,
  options: ProcessOptions,
): Promise<void> {
  let from = 0;
  for (let hangs = 0; from < STEPS.length && hangs < MAX_HANGS; hangs++) {
    options.signal?.throwIfAborted();
    const found = result.findings.flatMap(({ rule, severity }) => (severity === 'error' ? rule : []));
    const end = await runProcess({ ...request, from, found }, result, options);
    if (end.reason === undefined) return;
    addFinding(result, processFinding(result.id, STEPS[end.step]?.name ?? 'loading', end.reason));
    // A failure while loading would repeat in the next process.
    if (end.step < 0) return;
    from = end.step + 1;
  }
}

interface ProcessEnd {
  /** The last step that began. */
  step: number;
  /** Why the process did not finish its steps. */
  reason?: string;
}

/** Runs the steps in a child process until they are done or the process ends. */
function runProcess(request: CheckRequest, result: AppResult, options: ProcessOptions): Promise<ProcessEnd> {
  const { signal, onProgress, scratch } = options;
  return new Promise((resolve, reject) => {
    const child = fork(CHILD, {
      cwd: request.app.folder,
      env: { ...process.env, TMPDIR: scratch, TEMP: scratch },
      // Findings name the lines of the sources.
      execArgv: ['--enable-source-maps', '--expose-gc', `--max-old-space-size=${MAX_HEAP}`],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let step = -1;
    let killReason: string | undefined;
    let hasBegun = false;
    let done = false;
    const kill = (reason: string) => {
      killReason ??= reason;
      child.kill('SIGKILL');
    };
    const stepDeadline = new RestartableTimer(STEP_DEADLINE, () =>
      kill(`the application did not finish within ${STEP_DEADLINE / 1000} s`),
    );
    // Applies from the first message, because the start-up time of the process does not depend on the application.
    const silence = new RestartableTimer(SILENCE_DEADLINE, () => {
      if (hasBegun) kill(`the application blocked the event loop for ${SILENCE_DEADLINE / 1000} s`);
    });
    const abort = () => kill('the check was aborted');
    signal?.addEventListener('abort', abort, { once: true });
    child.on('message', (message) => {
      const report = message as ChildMessage;
      hasBegun = true;
      silence.restart();
      if (report.type === 'finding') addFinding(result, report.finding);
      if (report.type === 'done') done = true;
      if (report.type !== 'step') return;
      stepDeadline.restart();
      step = report.step;
      if (report.id !== undefined) result.id = report.id;
      const name = STEPS[step]?.name ?? 'loading';
      onProgress?.({
        app: result.id ?? request.app.module,
        step: name,
        done: step + 1,
        steps: STEPS.length + 1,
      });
    });
    child.stdout?.once('data', (bytes: Buffer) => addFinding(result, outputFinding(result.id, bytes)));
    // The application can write diagnostics to stderr. They are discarded, so that the pipe does not fill up.
    child.stderr?.resume();
    child.on('error', (error) => kill(error.message));
    child.on('close', (code, killedBy) => {
      stepDeadline.stop();
      silence.stop();
      signal?.removeEventListener('abort', abort);
      if (signal?.aborted) return reject(signal.reason);
      if (done) return resolve({ step });
      resolve({ step, reason: killReason ?? `the process ended (${killedBy ?? `exit code ${code}`})` });
    });
    child.send(request);
  });
}

class RestartableTimer {
  #timer: ReturnType<typeof setTimeout>;

  constructor(
    private readonly milliseconds: number,
    private readonly onExpired: () => void,
  ) {
    this.#timer = setTimeout(onExpired, milliseconds);
  }

  restart(): void {
    this.stop();
    this.#timer = setTimeout(this.onExpired, this.milliseconds);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

function addFinding(found: AppResult, finding: Finding): void {
  if (!found.findings.some((known) => isSame(known, finding))) found.findings.push(finding);
}

function staleFinding(stale: StaleBuild): Finding {
  return {
    rule: 'stale-build',
    severity: 'warning',
    what: `${staleBuildText(stale)}: that build was checked`,
    where: stale.source,
    change: 'run "npm run build", and check again',
  };
}

function processFinding(id: string | undefined, step: string, reason: string): Finding {
  return {
    rule: 'survives',
    severity: 'error',
    app: id,
    what: `while checking ${step}, ${reason}`,
    where: 'the application as a whole',
    change:
      'yield to the event loop (await) during long work, do not call process.exit, and limit what is kept in memory',
  };
}

function outputFinding(id: string | undefined, bytes: Buffer): Finding {
  return {
    rule: 'prints',
    severity: 'warning',
    app: id,
    what: `the application writes to standard output: ${JSON.stringify(bytes.toString().slice(0, 60))}`,
    where: 'the application as a whole',
    change: 'use emit and the service log: standard output belongs to the host, and may be NDJSON',
  };
}
