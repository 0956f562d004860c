/**
 * The record of a host's run: whether the last host was stopped, and whether the store still has what it wrote.
 *
 * LevelDB opens a store whose log was cut or removed as if nothing had happened. So each run leaves a record in the store
 * and the same in a file beside it: at its start, and as its last write when it is stopped. A store that lacks the record
 * of the file has lost writes. What a killed host wrote after its start has no such witness.
 */

import { platform } from '#platform';
import type { LogSink } from '../log.js';
import type { Folder } from '../platform/files.js';
import { reasonOf } from '../text.js';
import { decodeJson, encodeJson, type Records } from './records.js';

const KEY = 'push/run';
/** Names of the files. */
const WITNESS = 'run';
const DAMAGE = 'damage';

interface Run {
  readonly id: string;
  readonly stopped: boolean;
  /** The run that the file names when this one starts: the host can be killed before it changes the file. */
  readonly before?: string;
}

export interface RunRecordParts {
  readonly records: Records;
  /** Folder of the file. Absent: damage is not noticed. */
  readonly folder: string | undefined;
  /** What the store reported when it was opened. */
  readonly reported: string | undefined;
  readonly now: () => number;
  readonly log: LogSink;
}

export class RunRecord {
  private constructor(
    private readonly parts: RunRecordParts,
    private readonly folder: Folder | undefined,
    private readonly run: Run,
    /** The last host ended without a stop: it was killed, or crashed. */
    readonly killed: boolean,
    /** Damage that was not acknowledged, with its dates. */
    readonly damage: string | undefined,
  ) {}

  /** Compares the store with the file, and records a new run. @throws StoreError; SipPushError when the folder cannot be used. */
  static async begin(parts: RunRecordParts): Promise<RunRecord> {
    const { records, reported, now } = parts;
    const folder = parts.folder === undefined ? undefined : await platform.openFolder(parts.folder);
    const bytes = await records.get(KEY);
    const stored = bytes && runOf(bytes);
    const witness = folder && (await read(folder, WITNESS));
    const found = [reported, witness && lossOf(runOf(witness), stored)].filter(Boolean).join('; ');
    const known = folder && (await read(folder, DAMAGE));
    const lines = known ? [new TextDecoder().decode(known).trim()] : [];
    if (found) lines.push(`${new Date(now()).toISOString()}: ${found}`);
    const damage = lines.length > 0 ? lines.join('\n') : undefined;
    if (folder && found && damage) await write(folder, DAMAGE, new TextEncoder().encode(`${damage}\n`));
    const before = witness && runOf(witness)?.id;
    const run: Run = { id: platform.randomHex(16), stopped: false, before };
    const record = new RunRecord(parts, folder, run, stored?.stopped === false, damage);
    await record.#write(run);
    return record;
  }

  /** The host was stopped: this is its last write. Never rejects. */
  async end(): Promise<void> {
    await this.#write({ ...this.run, stopped: true });
    await this.folder?.close();
  }

  /** The store first: the file names nothing that the store does not have. */
  async #write(run: Run): Promise<void> {
    const value = encodeJson(run);
    try {
      await this.parts.records.write([{ type: 'put', key: KEY, value }], 'synced');
      if (this.folder) await write(this.folder, WITNESS, value);
    } catch (error) {
      const what = run.stopped ? 'the stop of the host' : 'the start of the host';
      this.parts.log({ level: 'warn', message: `${what} cannot be recorded: ${reasonOf(error)}` });
    }
  }
}

/** What the store has lost since the file was written. */
function lossOf(witness: Run | undefined, stored: Run | undefined): string | undefined {
  if (!witness) return 'the file of the last run is damaged';
  if (!stored) return 'the store has lost all records of earlier runs';
  if (stored.id === witness.id) {
    return witness.stopped && !stored.stopped
      ? 'the store has lost the last writes before a stop'
      : undefined;
  }
  return stored.before === witness.id ? undefined : 'the store has lost the writes of the last run';
}

function runOf(bytes: Uint8Array): Run | undefined {
  try {
    const { id, stopped, before }: Record<string, unknown> = Object(decodeJson(bytes));
    if (typeof id !== 'string' || typeof stopped !== 'boolean') return undefined;
    return { id, stopped, before: typeof before === 'string' ? before : undefined };
  } catch {
    return undefined;
  }
}

async function read(folder: Folder, name: string): Promise<Uint8Array | undefined> {
  const found = (await folder.list()).some((file) => file.name === name);
  if (!found) return undefined;
  const file = await folder.open(name);
  return new Uint8Array(await new Response(file.open()).arrayBuffer());
}

async function write(folder: Folder, name: string, bytes: Uint8Array): Promise<void> {
  const file = await folder.create(name);
  try {
    await file.append(bytes);
    await file.keep();
  } catch (error) {
    await file.discard();
    throw error;
  }
}
