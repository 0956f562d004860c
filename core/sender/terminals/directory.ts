/** The terminals of each user, what each accepts, and which are available. In memory, and on disk with a store. */

import { MalformedError } from '../../errors.js';
import { decodeJson, encodeJson, type Records } from '../../store/records.js';
import { type Clock, systemClock } from '../../time/clock.js';
import { isNameless, publicIdentity, type Terminal, type TerminalFacts, terminalId } from './terminal.js';

export interface DirectoryOptions {
  /** Keeps them over restarts. */
  records?: Records;
  /** Terminals in all, 100,000 when absent: those that are away longest make room. */
  capacity?: number;
  clock?: Pick<Clock, 'now'>;
  /** What could not be read or written. */
  onError?(error: Error): void;
}

/** A terminal was added, changed, or became unavailable. */
export interface DirectoryChange {
  /** The terminal after the change. */
  readonly terminal: Terminal;
  /** The terminal before the change; undefined if it is new. */
  readonly before: Terminal | undefined;
}

export type ChangeListener = (change: DirectoryChange) => void;

const KEY = 'push/terminal/';
const DEFAULT_CAPACITY = 100_000;
/** Terminals of one user: people have a few. Bounds what a push to one identity becomes. */
const MAX_OF_USER = 100;

/** The terminals that a sender knows, by user and by GRUU. */
export class TerminalDirectory {
  readonly #users = new Map<string, Map<string, Terminal>>();
  readonly #byGruu = new Map<string, Terminal>();
  /** Those here and those away, the one heard of longest ago first. */
  readonly #here = new Set<Terminal>();
  readonly #away = new Set<Terminal>();
  readonly #listeners = new Set<ChangeListener>();
  /** Of one user each: a change is told to nobody whom it does not concern. */
  readonly #userListeners = new Map<string, Set<ChangeListener>>();
  readonly #options: DirectoryOptions;

  /** Starts empty: call `load` to read the stored terminals. */
  constructor(options: DirectoryOptions = {}) {
    this.#options = options;
  }

  /** Reads what the store holds. @throws StoreError */
  async load(): Promise<void> {
    const { records, onError } = this.#options;
    const found: Terminal[] = [];
    for await (const [key, bytes] of records?.entries(KEY) ?? []) {
      try {
        found.push(decode(bytes));
      } catch (error) {
        onError?.(new MalformedError(`terminal ${key} in the store cannot be read`, { cause: error }));
      }
    }
    found.sort((one, other) => one.seen - other.seen);
    for (const terminal of found) this.#keep(terminal);
  }

  /** Number of terminals. */
  get size(): number {
    return this.#here.size + this.#away.size;
  }

  /** The terminals of a user. @param user any URI of the public identity. */
  of(user: string): readonly Terminal[] {
    return [...(this.#users.get(publicIdentity(user))?.values() ?? [])];
  }

  /** The terminal that a GRUU names. */
  find(gruu: string): Terminal | undefined {
    return this.#byGruu.get(gruu);
  }

  /** Every one, in no order. */
  *all(): IterableIterator<Terminal> {
    for (const terminals of this.#users.values()) yield* terminals.values();
  }

  /** Called after each change. @returns what ends it. */
  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The same, of the terminals of one user. */
  onChangeOf(user: string, listener: ChangeListener): () => void {
    const identity = publicIdentity(user);
    const listeners = this.#userListeners.get(identity) ?? new Set();
    this.#userListeners.set(identity, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#userListeners.delete(identity);
    };
  }

  /**
   * Records that a terminal is available, and what it or the registrar said about it. Other known facts are kept.
   * @returns the terminal; undefined if it has no id.
   */
  saw(user: string, facts: TerminalFacts): Terminal | undefined {
    const known = this.known(user, facts);
    const id = known?.id ?? terminalId(facts);
    if (id === undefined) return undefined;
    const kept = known ?? { user: publicIdentity(user), id };
    const terminal = { ...kept, ...facts, here: true, seen: (this.#options.clock ?? systemClock).now() };
    this.#put(terminal);
    for (const other of this.of(terminal.user)) if (!other.here && isNameless(other)) this.#drop(other);
    return terminal;
  }

  /**
   * Records that a terminal is unavailable. A terminal without an id is removed if its user has others, because it
   * cannot be recognised later.
   */
  left(user: string, facts: TerminalFacts): void {
    const known = this.known(user, facts);
    if (!known?.here) return;
    const away = { ...known, here: false };
    if (!isNameless(known) || this.of(user).length === 1) this.#put(away);
    else {
      this.#drop(known);
      this.#tell(away, known);
    }
  }

  /** Records that all terminals of a user except the named ones are unavailable. */
  leftBut(user: string, stayed: readonly Terminal[] = []): void {
    const ids = new Set(stayed.map(({ id }) => id));
    for (const terminal of this.of(user)) if (!ids.has(terminal.id)) this.left(user, terminal);
  }

  /** The terminal that these facts describe. */
  known(user: string, facts: TerminalFacts): Terminal | undefined {
    const terminals = this.#users.get(publicIdentity(user));
    const id = terminalId(facts);
    const byId = id === undefined ? undefined : terminals?.get(id);
    if (byId) return byId;
    // The registrar may name it by its instance, itself by its GRUU.
    const byGruu = facts.gruu === undefined ? undefined : this.#byGruu.get(facts.gruu);
    return byGruu?.user === publicIdentity(user) ? byGruu : undefined;
  }

  #put(terminal: Terminal): void {
    const before = this.#forget(terminal);
    this.#makeRoom(terminal.user);
    this.#keep(terminal);
    this.#write(terminal, encodeJson(terminal));
    this.#tell(terminal, before);
  }

  #tell(terminal: Terminal, before: Terminal | undefined): void {
    for (const listener of [...this.#listeners, ...(this.#userListeners.get(terminal.user) ?? [])])
      listener({ terminal, before });
  }

  #drop(terminal: Terminal): void {
    this.#forget(terminal);
    this.#write(terminal);
  }

  #keep(terminal: Terminal): void {
    const { user, id, gruu } = terminal;
    const terminals = this.#users.get(user) ?? new Map<string, Terminal>();
    this.#users.set(user, terminals);
    terminals.set(id, terminal);
    if (gruu !== undefined) this.#byGruu.set(gruu, terminal);
    (terminal.here ? this.#here : this.#away).add(terminal);
  }

  #forget({ user, id }: Terminal): Terminal | undefined {
    const terminals = this.#users.get(user);
    const terminal = terminals?.get(id);
    if (!terminal) return undefined;
    terminals?.delete(id);
    if (terminals?.size === 0) this.#users.delete(user);
    // Another user's terminal may have claimed the same temporary one since.
    if (terminal.gruu !== undefined && this.#byGruu.get(terminal.gruu) === terminal)
      this.#byGruu.delete(terminal.gruu);
    this.#here.delete(terminal);
    this.#away.delete(terminal);
    return terminal;
  }

  #makeRoom(user: string): void {
    const terminals = this.#users.get(user);
    const crowded = (terminals?.size ?? 0) >= MAX_OF_USER ? terminals?.values() : undefined;
    const full = this.size >= (this.#options.capacity ?? DEFAULT_CAPACITY);
    const [oldest] = crowded ?? (full ? (this.#away.size > 0 ? this.#away : this.#here) : []);
    if (oldest) this.#drop(oldest);
  }

  #write(terminal: Terminal, value?: Uint8Array): void {
    const { records, onError } = this.#options;
    const key = `${KEY}${terminal.user} ${terminal.id}`;
    const operation = value ? ({ type: 'put', key, value } as const) : ({ type: 'del', key } as const);
    records?.write([operation], 'written').catch((error: Error) => onError?.(error));
  }
}

function decode(bytes: Uint8Array): Terminal {
  const value = decodeJson(bytes);
  if (!isTerminal(value)) throw new MalformedError('it lacks its fields');
  return value;
}

function isTerminal(value: unknown): value is Terminal {
  if (typeof value !== 'object' || value === null) return false;
  const { user, id, here, seen, ...facts }: { readonly [Key in keyof Terminal]?: unknown } = value;
  const texts = [
    facts.gruu,
    facts.temporaryGruu,
    facts.instanceId,
    facts.contact,
    facts.product,
    facts.profile,
  ];
  const lists = [facts.apps, facts.types, facts.methods];
  return (
    typeof user === 'string' &&
    typeof id === 'string' &&
    typeof here === 'boolean' &&
    Number.isFinite(seen) &&
    (facts.maxSize === undefined || Number.isFinite(facts.maxSize)) &&
    texts.every((text) => text === undefined || typeof text === 'string') &&
    lists.every(
      (list) => list === undefined || (Array.isArray(list) && list.every((each) => typeof each === 'string')),
    )
  );
}
