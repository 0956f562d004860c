/** The location service: the bindings of REGISTER requests (RFC 3261 §10.3), each until it expires. */

import { parseFeatureParameters } from '../../../core/sip/values/feature-tags.js';
import type { NameAddr } from '../../../core/sip/values/name-addr.js';
import { DueQueue } from '../../../core/time/due-queue.js';
import type { Binding, Device, RegistrationRequest } from './binding.js';
import { contactKey, replaces, sameContact } from './same-contact.js';

/** Contacts of one user. RFC 3261 states no number; a request is forked to all of them, so it must be small. */
export const MAX_CONTACTS = 10;
/** Contacts of all users: each needs one or two KB. */
export const MAX_BINDINGS = 100_000;

export type RegistrationRefusal = 'out of order' | 'too many contacts' | 'full';
export type BindingEnd = 'removed' | 'expired' | 'connection closed';

export interface LocationEvents {
  /** A binding was added or refreshed. */
  onRegistered?(binding: Binding): void;
  onEnded?(binding: Binding, why: BindingEnd): void;
  /** Called once for each REGISTER with a change, and for each end of a binding. */
  onChanged?(change: LocationChange): void;
}

export interface LocationChange {
  readonly username: string;
  /** New bindings, and those that replaced another. */
  readonly registered: readonly Binding[];
  /** Without bindings that were replaced. */
  readonly ended: ReadonlyMap<Binding, BindingEnd>;
}

interface UserRecord {
  readonly bindings: Set<Binding>;
  readonly devices: Map<string, Device>;
}

interface Changes {
  /** True if a new Contact replaces the binding. */
  ended: Map<Binding, boolean>;
  added: Binding[];
}

const NONE: ReadonlySet<Binding> = new Set();

export class LocationStore {
  readonly #users = new Map<string, UserRecord>();
  readonly #devices = new Map<number, Device>();
  readonly #byFlow = new Map<string, Set<Binding>>();
  readonly #expiry = new DueQueue<Binding>((binding) => binding.expiresAt, {
    now: () => performance.now(),
    onDue: (binding) => this.#end(binding, 'expired'),
  });
  #serial = 0;
  #deviceNumber = 0;

  constructor(private readonly events: LocationEvents = {}) {}

  get size(): number {
    return this.#expiry.size;
  }

  bindings(username: string): ReadonlySet<Binding> {
    return this.#users.get(username)?.bindings ?? NONE;
  }

  /** The bindings of one device, by its canonical instance id. */
  bindingsOfDevice(username: string, instanceId: string): Binding[] {
    return [...this.bindings(username)].filter(({ device }) => device?.instanceId === instanceId);
  }

  /** The device with the number in a temporary GRUU, while its registration lasts. */
  device(number: number): Device | undefined {
    return this.#devices.get(number);
  }

  onFlow(flowKey: string): ReadonlySet<Binding> {
    return this.#byFlow.get(flowKey) ?? NONE;
  }

  *all(): Generator<Binding> {
    for (const { bindings } of this.#users.values()) yield* bindings;
  }

  /** Applies all changes of a REGISTER, or none and returns the reason (RFC 3261 §10.3 steps 6 and 7). */
  register(request: RegistrationRequest): RegistrationRefusal | undefined {
    const record = this.#users.get(request.username) ?? { bindings: new Set(), devices: new Map() };
    const changes = this.#plan(record, request);
    if (typeof changes === 'string') return changes;
    for (const binding of changes.ended.keys()) this.#remove(binding);
    for (const binding of changes.added) this.#add(binding);
    const ended = new Map<Binding, BindingEnd>();
    for (const [binding, replaced] of changes.ended) {
      this.#forgetDevice(binding);
      if (!replaced) ended.set(binding, 'removed');
    }
    for (const [binding, why] of ended) this.events.onEnded?.(binding, why);
    for (const binding of changes.added) this.events.onRegistered?.(binding);
    if (ended.size > 0 || changes.added.length > 0) {
      this.events.onChanged?.({ username: request.username, registered: changes.added, ended });
    }
    return undefined;
  }

  /** A connection is lost, and with it the bindings that it reached (RFC 5626 §4.4). */
  flowClosed(flowKey: string): void {
    for (const binding of [...this.onFlow(flowKey)]) this.#end(binding, 'connection closed');
  }

  close(): void {
    this.#expiry.clear();
    this.#users.clear();
    this.#devices.clear();
    this.#byFlow.clear();
  }

  #plan({ bindings, devices }: UserRecord, request: RegistrationRequest): Changes | RegistrationRefusal {
    const contacts = request.contacts === '*' ? [] : request.contacts;
    if (contacts.length > MAX_CONTACTS) return 'too many contacts';
    const ended = new Map<Binding, boolean>();
    const added: Binding[] = [];
    const begun = new Map<string, Device>();
    if (request.contacts === '*') for (const binding of bindings) ended.set(binding, false);
    for (const { contact, expires } of contacts) {
      const key = contactKey(contact);
      const { instanceId, regId } = key;
      for (const binding of bindings) {
        if (replaces(request, binding, contact, key)) ended.set(binding, expires > 0);
      }
      if (expires === 0 || added.some((other) => sameContact(other.contact.uri, contact.uri))) continue;
      const known = instanceId === undefined ? undefined : (begun.get(instanceId) ?? devices.get(instanceId));
      const device = instanceId === undefined ? undefined : this.#device(known, instanceId, request);
      if (device) begun.set(device.instanceId, device);
      added.push(this.#binding(request, contact, expires, device, regId));
    }
    for (const binding of ended.keys()) {
      if (binding.callId === request.callId && request.cseq <= binding.cseq) return 'out of order';
    }
    if (bindings.size - ended.size + added.length > MAX_CONTACTS) return 'too many contacts';
    if (added.length > 0 && this.size - ended.size + added.length > MAX_BINDINGS) return 'full';
    return { ended, added };
  }

  #device(known: Device | undefined, instanceId: string, request: RegistrationRequest): Device {
    const { username, addressOfRecord, callId, cseq } = request;
    if (known?.callId === callId && known.addressOfRecord === addressOfRecord) return known;
    return {
      number: ++this.#deviceNumber,
      username,
      instanceId,
      addressOfRecord,
      callId,
      firstCSeq: cseq,
    };
  }

  #binding(
    { username, addressOfRecord, callId, cseq, path, flow, flowKey }: RegistrationRequest,
    contact: NameAddr,
    expires: number,
    device: Device | undefined,
    regId: string | undefined,
  ): Binding {
    const q = Number(contact.parameters.get('q') ?? '1');
    return {
      username,
      addressOfRecord,
      contact,
      features: parseFeatureParameters(contact.parameters),
      q: q >= 0 && q <= 1 ? q : 1,
      callId,
      cseq,
      device,
      regId,
      path,
      flow,
      flowKey,
      serial: ++this.#serial,
      expiresAt: performance.now() + expires * 1000,
    };
  }

  #add(binding: Binding): void {
    const { username, device, flowKey } = binding;
    const record = this.#users.get(username) ?? { bindings: new Set(), devices: new Map() };
    this.#users.set(username, record);
    record.bindings.add(binding);
    if (device) {
      const earlier = record.devices.get(device.instanceId);
      if (earlier && earlier !== device) this.#devices.delete(earlier.number);
      record.devices.set(device.instanceId, device);
      this.#devices.set(device.number, device);
    }
    const onFlow = this.#byFlow.get(flowKey) ?? new Set();
    this.#byFlow.set(flowKey, onFlow.add(binding));
    this.#expiry.add(binding);
  }

  #end(binding: Binding, why: BindingEnd): void {
    this.#remove(binding);
    this.#forgetDevice(binding);
    this.events.onEnded?.(binding, why);
    this.events.onChanged?.({
      username: binding.username,
      registered: [],
      ended: new Map([[binding, why]]),
    });
  }

  #remove(binding: Binding): void {
    const { username, flowKey } = binding;
    this.#expiry.delete(binding);
    this.#users.get(username)?.bindings.delete(binding);
    const onFlow = this.#byFlow.get(flowKey);
    onFlow?.delete(binding);
    if (onFlow?.size === 0) this.#byFlow.delete(flowKey);
  }

  /** Deletes the device and the record of the user of a removed binding, unless another binding has them. */
  #forgetDevice({ username, device }: Binding): void {
    const record = this.#users.get(username);
    if (!record) return;
    if (record.bindings.size === 0) this.#users.delete(username);
    if (!device || [...record.bindings].some((other) => other.device === device)) return;
    this.#devices.delete(device.number);
    if (record.devices.get(device.instanceId) === device) record.devices.delete(device.instanceId);
  }
}
