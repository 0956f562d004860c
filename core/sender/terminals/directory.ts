/** The terminals of users, their capabilities and whether they are registered; in memory, and in a store if there is one. */

import { defined } from '../../defined.js';
import { MalformedError } from '../../errors.js';
import { SipUri } from '../../sip/values/uri.js';
import { decodeJson, encodeJson, type Records } from '../../store/records.js';
import { type Clock, systemClock } from '../../time/clock.js';
import {
  gruuIdentity,
  isAnonymous,
  publicIdentity,
  type Terminal,
  type TerminalFacts,
  terminalId,
} from './terminal.js';

export interface DirectoryOptions {
  /** Keeps the terminals over restarts. */
  records?: Records;
  /** The largest number of terminals, 100,000 if absent. Beyond it, the longest unregistered terminal is removed. */
  capacity?: number;
  clock?: Pick<Clock, 'now'>;
  /** Reports failures to read or write. */
  onError?(error: Error): void;
}

/** A terminal was added, changed, or is no longer registered. */
export interface DirectoryChange {
  /** The terminal after the change. */
  readonly terminal: Terminal;
  /** The terminal before the change; undefined if it is new. */
  readonly previous: Terminal | undefined;
}

export type ChangeListener = (change: DirectoryChange) => void;

const KEY = 'push/terminal/';
const DEFAULT_CAPACITY = 100_000;
/** Terminals of one user, which bounds the requests of one push. */
const MAX_OF_USER = 100;

/** The terminals that a sender knows, by user and by GRUU. Bounded, observable and optionally durable. */
export class TerminalDirectory {
  readonly #users = new Map<string, Map<string, Terminal>>();
  readonly #byGruu = new Map<string, Terminal>();
  /** Registered terminals, the least recently seen first; likewise the unregistered ones. */
  readonly #registered = new Set<Terminal>();
  readonly #unregistered = new Set<Terminal>();
  readonly #listeners = new Set<ChangeListener>();
  /** Listeners for the terminals of one user. */
  readonly #userListeners = new Map<string, Set<ChangeListener>>();
  readonly #options: DirectoryOptions;

  /** The directory is empty until `load` reads the stored terminals. */
  constructor(options: DirectoryOptions = {}) {
    this.#options = options;
  }

  /** Reads the store. @throws StoreError */
  async load(): Promise<void> {
    const { records, onError } = this.#options;
    const found: Terminal[] = [];
    for await (const [key, bytes] of records?.entries(KEY) ?? []) {
      try {
        found.push(decode(bytes));
      } catch (error) {
        onError?.(new MalformedError(`invalid terminal "${key}" in the store`, { cause: error }));
      }
    }
    found.sort((one, other) => one.lastSeen - other.lastSeen);
    for (const terminal of found) this.#keep(terminal);
  }

  /** The number of terminals. */
  get size(): number {
    return this.#registered.size + this.#unregistered.size;
  }

  /** The terminals of a user. @param user the public identity, `sip:` or `sips:`; URI parameters are ignored. */
  of(user: string): readonly Terminal[] {
    return [...(this.#users.get(publicIdentity(user))?.values() ?? [])];
  }

  /** The terminal with this GRUU. */
  find(gruu: string): Terminal | undefined {
    return this.#byGruu.get(gruuIdentity(gruu));
  }

  /** All terminals, in no order. */
  *all(): IterableIterator<Terminal> {
    for (const terminals of this.#users.values()) yield* terminals.values();
  }

  /** Calls `listener` after each change. @returns a function that removes the listener. */
  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** As `onChange`, for the terminals of one user. */
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
   * Records that a terminal is registered, and merges the facts into the known ones.
   * @returns undefined if the facts do not identify a terminal.
   */
  setRegistered(user: string, facts: TerminalFacts): Terminal | undefined {
    const match = this.match(user, facts);
    // A terminal that was known by its address alone now has a better id.
    const isIdentified = match !== undefined && isAnonymous(match) && !isAnonymous(facts);
    const id = isIdentified ? terminalId(facts) : (match?.id ?? terminalId(facts));
    if (id === undefined) return undefined;
    if (isIdentified) this.#drop(match);
    const kept = match ?? { user: publicIdentity(user), id };
    const terminal = {
      ...kept,
      ...defined(facts),
      id,
      registered: true,
      lastSeen: (this.#options.clock ?? systemClock).now(),
    };
    this.#put(terminal);
    for (const other of this.of(terminal.user))
      if (!other.registered && isAnonymous(other)) this.#drop(other);
    return terminal;
  }

  /**
   * Records that a terminal is not registered any more. An anonymous terminal is removed if its user has others, because
   * it could not be recognised.
   */
  setUnregistered(user: string, facts: TerminalFacts): void {
    const known = this.match(user, facts);
    if (!known?.registered) return;
    const terminal = { ...known, registered: false };
    if (!isAnonymous(known) || this.of(user).length === 1) this.#put(terminal);
    else {
      this.#drop(known);
      this.#notify(terminal, known);
    }
  }

  /** Records that no terminal of a user is registered, except the given ones. */
  setUnregisteredExcept(user: string, exceptions: readonly Terminal[] = []): void {
    const ids = new Set(exceptions.map(({ id }) => id));
    for (const terminal of this.of(user)) if (!ids.has(terminal.id)) this.setUnregistered(user, terminal);
  }

  /** The known terminal that the facts describe. */
  match(user: string, facts: TerminalFacts): Terminal | undefined {
    const terminals = this.#users.get(publicIdentity(user));
    const id = terminalId(facts);
    const byId = id === undefined ? undefined : terminals?.get(id);
    if (byId) return byId;
    // The registrar may report the instance id, and the terminal itself the GRUU.
    const byGruu = facts.gruu === undefined ? undefined : this.#byGruu.get(gruuIdentity(facts.gruu));
    if (byGruu?.user === publicIdentity(user)) return byGruu;
    // The registrar may report the instance id, and the terminal itself its address.
    const { contact, instanceId } = facts;
    if (contact === undefined) return undefined;
    return [...(terminals?.values() ?? [])].find(
      (each) =>
        each.contact !== undefined &&
        (instanceId === undefined || each.instanceId === undefined) &&
        isSameContact(each.contact, contact),
    );
  }

  #put(terminal: Terminal): void {
    const previous = this.#remove(terminal);
    this.#evict(terminal.user);
    this.#keep(terminal);
    this.#write(terminal, encodeJson(terminal));
    this.#notify(terminal, previous);
  }

  #notify(terminal: Terminal, previous: Terminal | undefined): void {
    for (const listener of [...this.#listeners, ...(this.#userListeners.get(terminal.user) ?? [])])
      listener({ terminal, previous });
  }

  #drop(terminal: Terminal): void {
    this.#remove(terminal);
    this.#write(terminal);
  }

  #keep(terminal: Terminal): void {
    const { user, id, gruu } = terminal;
    const terminals = this.#users.get(user) ?? new Map<string, Terminal>();
    this.#users.set(user, terminals);
    terminals.set(id, terminal);
    const identity = gruu === undefined ? undefined : gruuIdentity(gruu);
    // A temporary GRUU may belong to another terminal by now.
    if (identity !== undefined && (terminal.registered || !this.#byGruu.has(identity))) {
      this.#byGruu.set(identity, terminal);
    }
    (terminal.registered ? this.#registered : this.#unregistered).add(terminal);
  }

  #remove({ user, id }: Terminal): Terminal | undefined {
    const terminals = this.#users.get(user);
    const terminal = terminals?.get(id);
    if (!terminal) return undefined;
    terminals?.delete(id);
    if (terminals?.size === 0) this.#users.delete(user);
    // Another terminal may have the same GRUU by now.
    const gruu = terminal.gruu === undefined ? undefined : gruuIdentity(terminal.gruu);
    if (gruu !== undefined && this.#byGruu.get(gruu) === terminal) this.#byGruu.delete(gruu);
    this.#registered.delete(terminal);
    this.#unregistered.delete(terminal);
    return terminal;
  }

  #evict(user: string): void {
    const terminals = this.#users.get(user);
    const crowded = (terminals?.size ?? 0) >= MAX_OF_USER ? terminals?.values() : undefined;
    const full = this.size >= (this.#options.capacity ?? DEFAULT_CAPACITY);
    const [oldest] =
      crowded ?? (full ? (this.#unregistered.size > 0 ? this.#unregistered : this.#registered) : []);
    if (oldest) this.#drop(oldest);
  }

  #write(terminal: Terminal, value?: Uint8Array): void {
    const { records, onError } = this.#options;
    const key = `${KEY}${terminal.user} ${terminal.id}`;
    const operation = value ? ({ type: 'put', key, value } as const) : ({ type: 'del', key } as const);
    records?.write([operation], 'written').catch((error: Error) => onError?.(error));
  }
}

/** RFC 3261 §19.1.4. */
function isSameContact(one: string, other: string): boolean {
  const uri = SipUri.parse(one);
  const another = SipUri.parse(other);
  return one === other || (uri !== undefined && another !== undefined && uri.equals(another));
}

function decode(bytes: Uint8Array): Terminal {
  const value = decodeJson(bytes);
  if (!isTerminal(value))
    throw new MalformedError('expected a terminal with user, id, registered and lastSeen');
  return value;
}

function isTerminal(value: unknown): value is Terminal {
  if (typeof value !== 'object' || value === null) return false;
  const { user, id, registered, lastSeen, ...facts }: { readonly [Key in keyof Terminal]?: unknown } = value;
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
    typeof registered === 'boolean' &&
    Number.isFinite(lastSeen) &&
    (facts.maxSize === undefined || Number.isFinite(facts.maxSize)) &&
    texts.every((text) => text === undefined || typeof text === 'string') &&
    lists.every(
      (list) => list === undefined || (Array.isArray(list) && list.every((each) => typeof each === 'string')),
    )
  );
}
