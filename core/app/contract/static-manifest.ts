/** The part of a manifest that package.json repeats, so that it is known before the module is loaded. */

import { defined } from '../../defined.js';
import { ConfigurationError } from '../../errors.js';
import { canonicalEventAppId, canonicalIari } from './event-app-id.js';
import type { Manifest } from './manifest.js';

/** The manifest of an application in its package.json (`sipPush.apps`). The definition must agree with it. */
export interface StaticManifest {
  /** event-app-id. */
  readonly id: string;
  /** Accepted media types. */
  readonly accepts: readonly string[];
  /** IARI, for one of several applications with the same id and types. */
  readonly iari?: string;
  /** Earlier ids. */
  readonly replaces?: readonly string[];
  /** Services that it needs. */
  readonly needs?: readonly string[];
  /** Services for other applications. */
  readonly provides?: readonly string[];
  /** Kinds of its events. */
  readonly events?: readonly string[];
  /** Names of its queries. */
  readonly queries?: readonly string[];
}

/** The keys of a static manifest in the order in which they are written. */
const STATIC_KEYS = ['id', 'accepts', 'iari', 'replaces', 'needs', 'provides', 'events', 'queries'] as const;

/** The static manifest in an object that can have other keys. */
export function staticPart(fields: StaticManifest): StaticManifest {
  const { id, accepts, iari, replaces, needs, provides, events, queries } = fields;
  return { id, accepts, iari, replaces, needs, provides, events, queries };
}

/** What `sip-push build` writes to package.json: the parts of a definition that are known before its module is loaded. */
export function staticManifestOf(manifest: Manifest): StaticManifest {
  const { eventAppId, accepts, iari, replaces, needs, provides, events, queries } = manifest;
  return defined({
    id: eventAppId,
    accepts,
    iari,
    replaces: unlessEmpty(replaces),
    needs: unlessEmpty(needs),
    provides: unlessEmpty(provides),
    events: unlessEmpty(Object.keys(events)),
    queries: unlessEmpty(Object.keys(queries)),
  });
}

function unlessEmpty(names: readonly string[]): readonly string[] | undefined {
  return names.length === 0 ? undefined : names;
}

/** A key of `sipPush.apps` that differs from the definition. */
export interface Disagreement {
  readonly key: keyof StaticManifest;
  /** In package.json; undefined without a value. */
  readonly declared: string | undefined;
  /** In the definition; undefined without a value. */
  readonly actual: string | undefined;
}

/** The keys of a package.json that is out of date. The order of types and names has no meaning. */
export function disagreementsOf(declared: Partial<StaticManifest>, manifest: Manifest): Disagreement[] {
  const actual = staticManifestOf(manifest);
  const canonical: Partial<StaticManifest> = {
    ...declared,
    id: declared.id === undefined ? undefined : canonicalEventAppId(declared.id),
    iari: declared.iari === undefined ? undefined : canonicalIari(declared.iari),
    replaces: declared.replaces?.map(canonicalEventAppId),
  };
  return STATIC_KEYS.map((key) => ({
    key,
    declared: listed(canonical[key]),
    actual: listed(actual[key]),
  })).filter((each) => each.declared !== each.actual);
}

/** @throws ConfigurationError that names the application and the first difference. */
export function requireAgreement(declared: StaticManifest, manifest: Manifest): void {
  const [found] = disagreementsOf(declared, manifest);
  if (!found) return;
  throw new ConfigurationError(
    `${canonicalEventAppId(declared.id)}: ${disagreementText(found)}: run "sip-push build"`,
  );
}

export function disagreementText({ key, declared, actual }: Disagreement): string {
  return differenceText(key, declared, actual);
}

/** `invalid accepts "text/plain" in package.json: expected "text/html", as in the definition` */
export function differenceText(
  what: string,
  declared: string | undefined,
  actual: string | undefined,
): string {
  const problem = declared === undefined ? `missing ${what}` : `invalid ${what} ${declared}`;
  return `${problem} in package.json: expected ${actual ?? 'none'}, as in the definition`;
}

/** Quoted names, sorted; undefined without any. */
function listed(value: string | readonly string[] = []): string | undefined {
  const names = typeof value === 'string' ? [value] : [...value].sort();
  return names.length === 0 ? undefined : names.map((name) => JSON.stringify(name)).join(', ');
}
