/** Holds push applications against the contract, each in a process of its own with a deadline for every step. */

import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildMessage, CheckRequest } from './child.js';
import { type Finding, isSame, scoreOf } from './finding.js';
import type { CheckPlan } from './plan.js';
import { STEPS } from './suite.js';

/** What came of a check. */
export interface CheckReport {
  /** event-app-ids of those that could be read. */
  readonly apps: readonly string[];
  readonly findings: readonly Finding[];
  /** Of 100. */
  readonly score: number;
  readonly milliseconds: number;
}

export interface CheckOptions {
  /** Told when a step begins. */
  onProgress?(progress: { app: string; step: string; done: number; steps: number }): void;
  signal?: AbortSignal;
}

/** Milliseconds: a step of an application that does as it should takes a few seconds. */
const STEP_DEADLINE = 60_000;
/** Milliseconds without a sign of life: its child is to give one twice a second. */
const SILENCE_DEADLINE = 10_000;
/** Steps that an application may hang in before the others are left out. */
const MAX_HANGS = 2;
/** Applications that are checked at once: most of a check is waiting. */
const CONCURRENCY = 4;
/** Of the child's heap, megabytes. */
const MAX_HEAP = 512;

const CHILD = new URL('./child.js', import.meta.url);

/** @throws the signal's reason. */
export async function check(plan: CheckPlan, options: CheckOptions = {}): Promise<CheckReport> {
  const started = performance.now();
  const found: AppResult[] = plan.apps.map(({ declared }) => ({
    findings: [],
    id: declared === undefined ? undefined : declared.id,
  }));
  const waiting = [...plan.apps.entries()];
  // What a process that is killed leaves is in there.
  const scratch = await mkdtemp(join(tmpdir(), 'sip-push-check-'));
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, app] = next;
      const mine = found[index];
      if (mine)
        await checkOne({ app, others: plan.apps.filter((other) => other !== app) }, mine, {
          ...options,
          scratch,
        });
    }
  };
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  const findings = found.flatMap((each) => each.findings);
  return {
    apps: found.flatMap(({ id }) => id ?? []),
    findings,
    score: scoreOf(findings),
    milliseconds: Math.round(performance.now() - started),
  };
}

interface ProcessOptions extends CheckOptions {
  /** Its folder for temporary files. */
  scratch: string;
}

interface AppResult {
  id?: string;
  findings: Finding[];
}

async function checkOne(
  order: Omit<CheckRequest, 'from'>,
  found: AppResult,
  options: ProcessOptions,
): Promise<void> {
  let from = 0;
  for (let hangs = 0; from < STEPS.length && hangs < MAX_HANGS; hangs++) {
    options.signal?.throwIfAborted();
    const end = await runProcess({ ...order, from }, found, options);
    if (end.reason === undefined) return;
    addFinding(found, processFinding(found.id, STEPS[end.step]?.name ?? 'loading', end.reason));
    // What happened while it was loaded would happen again.
    if (end.step < 0) return;
    from = end.step + 1;
  }
}

interface ProcessEnd {
  /** The last that began. */
  step: number;
  /** Why it did not come to its end. */
  reason?: string;
}

/** Runs steps until all are done, or the process is. */
function runProcess(order: CheckRequest, found: AppResult, options: ProcessOptions): Promise<ProcessEnd> {
  const { signal, onProgress, scratch } = options;
  return new Promise((resolve, reject) => {
    const child = fork(CHILD, {
      cwd: order.app.folder,
      env: { ...process.env, TMPDIR: scratch, TEMP: scratch },
      execArgv: ['--expose-gc', `--max-old-space-size=${MAX_HEAP}`],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let step = -1;
    let why: string | undefined;
    let begun = false;
    let done = false;
    const kill = (reason: string) => {
      why ??= reason;
      child.kill('SIGKILL');
    };
    const stepDeadline = new RestartableTimer(STEP_DEADLINE, () =>
      kill(`it took more than ${STEP_DEADLINE / 1000} s`),
    );
    // From its first sign of life on: how long a process takes to begin is not the application's doing.
    const silence = new RestartableTimer(SILENCE_DEADLINE, () => {
      if (begun) kill(`it kept its event loop for ${SILENCE_DEADLINE / 1000} s`);
    });
    const abort = () => kill('the check was ended');
    signal?.addEventListener('abort', abort, { once: true });
    child.on('message', (message) => {
      const news = message as ChildMessage;
      begun = true;
      silence.again();
      if (news.type === 'finding') addFinding(found, news.finding);
      if (news.type === 'done') done = true;
      if (news.type !== 'step') return;
      stepDeadline.again();
      step = news.step;
      if (news.id !== undefined) found.id = news.id;
      const name = STEPS[step]?.name ?? 'loading';
      onProgress?.({
        app: found.id ?? order.app.module,
        step: name,
        done: step + 1,
        steps: STEPS.length + 1,
      });
    });
    child.stdout?.once('data', (bytes: Buffer) => addFinding(found, outputFinding(found.id, bytes)));
    // What it has to say there is a person's, who runs it otherwise.
    child.stderr?.resume();
    child.on('error', (error) => kill(error.message));
    child.on('close', (code, killedBy) => {
      stepDeadline.end();
      silence.end();
      signal?.removeEventListener('abort', abort);
      if (signal?.aborted) return reject(signal.reason);
      if (done) return resolve({ step });
      resolve({ step, reason: why ?? `its process ended (${killedBy ?? `exit code ${code}`})` });
    });
    child.send(order);
  });
}

class RestartableTimer {
  #timer: ReturnType<typeof setTimeout>;

  constructor(
    private readonly milliseconds: number,
    private readonly late: () => void,
  ) {
    this.#timer = setTimeout(late, milliseconds);
  }

  again(): void {
    this.end();
    this.#timer = setTimeout(this.late, this.milliseconds);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

function addFinding(found: AppResult, finding: Finding): void {
  if (!found.findings.some((known) => isSame(known, finding))) found.findings.push(finding);
}

function processFinding(id: string | undefined, step: string, reason: string): Finding {
  return {
    rule: 'survives',
    severity: 'error',
    app: id,
    what: `in the check of ${step} ${reason}`,
    where: 'the application as a whole',
    change:
      'give the event loop back (await) in long work, call no process.exit, and bound what is kept in memory',
  };
}

function outputFinding(id: string | undefined, bytes: Buffer): Finding {
  return {
    rule: 'prints',
    severity: 'warning',
    app: id,
    what: `it writes to standard output: ${JSON.stringify(bytes.toString().slice(0, 60))}`,
    where: 'the application as a whole',
    change: "use the services log and emit: standard output is the host's, and may be NDJSON",
  };
}
