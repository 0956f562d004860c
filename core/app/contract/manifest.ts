/** The manifest of an application: its validated definition, and the manifest of its package. */

import { isMediaRange } from '../../content/media-type.js';
import { ConfigurationError } from '../../errors.js';
import { nearestWord } from '../../text.js';
import { DEFAULT_RECEIVE_SECONDS, MAX_DIRECT_SECONDS, MAX_DURABLE_SECONDS } from '../limits.js';
import { canonicalEventAppId, canonicalIari, isEventAppId, isIari } from './event-app-id.js';
import type { StandardSchemaV1 } from './options.js';
import type { Delivery, Order, PushAppDefinition, QuerySchemas } from './push-app.js';
import type { EventSchemas } from './transaction.js';

export interface Manifest {
  /** Canonical: `mms.ua`. */
  readonly eventAppId: string;
  /** Lower-case media types and ranges. */
  readonly accepts: readonly string[];
  /** Names of services, not yet resolved. */
  readonly needs: readonly string[];
  /** Names of services for other applications. */
  readonly provides: readonly string[];
  /** Schema of its options. */
  readonly options?: StandardSchemaV1;
  /** Earlier ids, canonical. */
  readonly replaces: readonly string[];
  readonly events: EventSchemas;
  readonly queries: QuerySchemas;
  readonly delivery: Delivery;
  readonly order: Order;
  /** Largest content in bytes; absent: only the host's limit applies. */
  readonly maxSize?: number;
  /** Deadline of `receive` in seconds. */
  readonly timeout: number;
  readonly iari?: string;
  /** For messages: the id, with the types and the IARI that distinguish it from others of the same id. */
  readonly label: string;
}

const KEYS = [
  ...['id', 'replaces', 'accepts', 'maxSize', 'delivery', 'order', 'timeout'],
  ...['needs', 'provides', 'options', 'events', 'queries', 'iari', 'start'],
];

/** Contains a dot, unlike the names of the host's services. */
const PROVIDED_NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/i;

/** @throws ConfigurationError that names the invalid value and what was expected. */
export function readManifest(definition: PushAppDefinition): Manifest {
  const fields = objectFields(definition, 'push application', 'definePushApp({ … }) as the default export');
  const eventAppId = readId(fields.id);
  const problem = (message: string) => new ConfigurationError(`${eventAppId}: ${message}`);
  requireKnown(fields, KEYS, problem);
  if (typeof fields.start !== 'function') {
    throw problem(
      `${invalid('start', fields.start)}: expected a function: start: ({ log }) => ({ async receive(push) { … } })`,
    );
  }
  const accepts = readAccepts(fields.accepts, problem);
  const delivery = readDelivery(fields.delivery, problem);
  const iari = readIari(fields.iari, problem);
  const options = readSchema(fields.options, problem);
  return {
    eventAppId,
    accepts,
    needs: readNeeds(fields.needs, problem),
    provides: readProvides(fields.provides, problem),
    replaces: readReplaces(fields.replaces, problem),
    options,
    events: readNamed('events', fields.events, problem),
    queries: readNamed('queries', fields.queries, problem),
    delivery,
    order: readOrder(fields.order, problem),
    maxSize: readMaxSize(fields.maxSize, problem),
    timeout: readTimeout(fields.timeout, delivery, problem),
    iari,
    label: `${eventAppId} (${[...accepts, ...(iari === undefined ? [] : [`IARI ${iari}`])].join(', ')})`,
  };
}

type Problem = (message: string) => ConfigurationError;
type Fields = Readonly<Record<string, unknown>>;

/** Reads every property once, so that getters run once, and reports what they throw. */
function objectFields(value: unknown, what: string, expected: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigurationError(`${invalid(what, value)}: expected ${expected}`);
  }
  try {
    return { ...value };
  } catch (error) {
    throw new ConfigurationError(`unreadable ${what}: expected ${expected}`, { cause: error });
  }
}

function readId(id: unknown): string {
  if (typeof id !== 'string' || !isEventAppId(id)) {
    throw new ConfigurationError(
      `${invalid('id of a push application', id)}: expected an event-app-id like "mms.ua": 1 to 255 printable ASCII characters without blank, comma or quote (7.1-03)`,
    );
  }
  // RFC 3840 §9: in a feature tag a leading ! negates.
  if (id.startsWith('!'))
    throw new ConfigurationError(
      `invalid id "${id}": expected an event-app-id without "!" at the start, like "mms.ua"`,
    );
  return canonicalEventAppId(id);
}

function readAccepts(accepts: unknown, problem: Problem): string[] {
  const example = "accepts: ['application/vnd.wap.mms-message']";
  if (!Array.isArray(accepts) || accepts.length === 0) {
    throw problem(`${invalid('accepts', accepts)}: expected the media types that it accepts: ${example}`);
  }
  return accepts.map((type: unknown, index) => {
    if (typeof type !== 'string' || !isMediaRange(type)) {
      throw problem(
        `${invalid(`accepts[${index}]`, type)}: expected a media type without parameters, like "text/plain" or "image/*"`,
      );
    }
    if (type !== type.toLowerCase()) {
      throw problem(`invalid accepts[${index}] "${type}": expected lower case, "${type.toLowerCase()}"`);
    }
    if (accepts.indexOf(type) !== index)
      throw problem(`duplicate accepts[${index}] "${type}": name each type once`);
    return type;
  });
}

function readNeeds(needs: unknown, problem: Problem): string[] {
  if (needs === undefined) return [];
  if (!Array.isArray(needs) || !needs.every((need) => typeof need === 'string')) {
    throw problem(`${invalid('needs', needs)}: expected names of services: needs: ['storage', 'log']`);
  }
  return [...new Set<string>(needs)];
}

function readProvides(provides: unknown, problem: Problem): string[] {
  if (provides === undefined) return [];
  if (!Array.isArray(provides)) {
    throw problem(
      `${invalid('provides', provides)}: expected names of services: provides: ['weather.forecast']`,
    );
  }
  return provides.map((name: unknown, index) => {
    if (typeof name !== 'string' || !PROVIDED_NAME.test(name)) {
      throw problem(
        `${invalid(`provides[${index}]`, name)}: expected a name with a dot in it, like "weather.forecast": those without are the host's`,
      );
    }
    if (provides.indexOf(name) !== index)
      throw problem(`duplicate provides[${index}] "${name}": name each service once`);
    return name;
  });
}

function readSchema(options: unknown, problem: Problem): StandardSchemaV1 | undefined {
  if (options === undefined || isSchema(options)) return options;
  throw problem(
    `${invalid('options', options)}: expected a schema that follows Standard Schema (https://standardschema.dev), like z.object({ … }) of zod`,
  );
}

function isSchema(value: unknown): value is StandardSchemaV1 {
  // A schema of ArkType is a function.
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard: unknown = '~standard' in value && value['~standard'];
  if (typeof standard !== 'object' || standard === null) return false;
  return 'validate' in standard && typeof standard.validate === 'function';
}

function readDelivery(delivery: unknown, problem: Problem): Delivery {
  if (delivery === undefined) return 'durable';
  if (delivery === 'direct' || delivery === 'durable') return delivery;
  throw problem(`${invalid('delivery', delivery)}: expected "direct" or "durable"`);
}

function readOrder(order: unknown, problem: Problem): Order {
  if (order === undefined) return 'serial';
  if (order === 'serial' || order === 'parallel') return order;
  if (typeof order === 'function') return order as Order;
  throw problem(
    `${invalid('order', order)}: expected "serial", "parallel", or a function that returns a key: (push) => push.from`,
  );
}

function readMaxSize(size: unknown, problem: Problem): number | undefined {
  if (size === undefined) return undefined;
  if (typeof size === 'number' && Number.isSafeInteger(size) && size > 0) return size;
  throw problem(`${invalid('maxSize', size)}: expected bytes, a whole number above 0`);
}

function readTimeout(seconds: unknown, delivery: Delivery, problem: Problem): number {
  if (seconds === undefined) return DEFAULT_RECEIVE_SECONDS;
  const most = delivery === 'direct' ? MAX_DIRECT_SECONDS : MAX_DURABLE_SECONDS;
  if (typeof seconds === 'number' && seconds > 0 && seconds <= most) return seconds;
  throw problem(
    `${invalid('timeout', seconds)}: expected seconds above 0 and at most ${most}, with delivery "${delivery}"`,
  );
}

function readReplaces(replaces: unknown, problem: Problem): string[] {
  if (replaces === undefined) return [];
  if (!Array.isArray(replaces) || !replaces.every((id) => typeof id === 'string' && isEventAppId(id))) {
    throw problem(
      `${invalid('replaces', replaces)}: expected earlier event-app-ids: replaces: ['weather.old']`,
    );
  }
  return [...new Set(replaces.map(canonicalEventAppId))];
}

/** The name of an event or a query, which stands in JSON and in URLs. */
export const EVENT_OR_QUERY = /^[a-z][a-z0-9._-]{0,63}$/i;

function readNamed(key: 'events' | 'queries', value: unknown, problem: Problem): EventSchemas {
  if (value === undefined) return {};
  const example = key === 'events' ? 'forecast' : 'current';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw problem(
      `${invalid(key, value)}: expected an object with a schema, or true, for each name: ${key}: { ${example}: true }`,
    );
  }
  const fields: Fields = { ...value };
  for (const [name, schema] of Object.entries(fields)) {
    if (!EVENT_OR_QUERY.test(name)) {
      throw problem(
        `invalid name ${show(name)} in ${key}: expected a letter, then letters, digits, ".", "_" or "-"`,
      );
    }
    if (schema === true || isSchema(schema)) continue;
    throw problem(
      `${invalid(`${key}.${name}`, schema)}: expected a schema that follows Standard Schema (https://standardschema.dev), or true`,
    );
  }
  return fields as EventSchemas;
}

function readIari(iari: unknown, problem: Problem): string | undefined {
  if (iari === undefined) return undefined;
  // Appendix D: a URN, which is percent-encoded in a feature tag.
  if (typeof iari === 'string' && isIari(iari)) return canonicalIari(iari);
  throw problem(`${invalid('iari', iari)}: expected a URN: "urn:urn-7:3gpp-application.ims.iari.example"`);
}

function requireKnown(fields: Fields, known: readonly string[], problem: Problem): void {
  for (const key of Object.keys(fields)) {
    if (known.includes(key)) continue;
    const nearest = nearestWord(key, known);
    const advice = nearest ? `did you mean "${nearest}"?` : `expected one of ${known.join(', ')}`;
    throw problem(`unknown key "${key}": ${advice}`);
  }
}

function invalid(what: string, value: unknown): string {
  if (value === undefined) return `missing ${what}`;
  const separator = typeof value === 'object' || typeof value === 'function' ? ', ' : ' ';
  return `invalid ${what}${separator}${show(value)}`;
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 100));
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list with other values';
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
