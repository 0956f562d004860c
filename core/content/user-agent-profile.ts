/** User Agent Profiles (OMA-TS-UAProf 2.0): the push characteristics of a terminal. */

import { defined } from '../defined.js';
import { MalformedError } from '../errors.js';
import { element, type MarkupElement, textOf } from './markup.js';
import { isMediaRange } from './media-type.js';
import { ScopedElement } from './xml/namespaces.js';
import { parseXml } from './xml/parser.js';
import { writeXml } from './xml/writer.js';

export const PROFILE_TYPE = 'application/rdf+xml';

/** Absent fields are not in the profile. */
export interface UserAgentProfile {
  readonly vendor?: string;
  readonly model?: string;
  /** Push-Accept-AppID as written, `x-wap-application:wml.ua`; `*` for any. */
  readonly applications?: readonly string[];
  /** Push-Accept: media types and ranges, lower-case, without parameters. */
  readonly mediaTypes?: readonly string[];
  /** Push-MsgSize: size limit of content in bytes. */
  readonly maxSize?: number;
}

const RDF_NAMESPACE = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#';

/** The namespace that is written. Readers accept all versions of the schema. */
const SCHEMA_NAMESPACE = 'http://www.openmobilealliance.org/tech/profiles/UAPROF/ccppschema-20021212#';

/** `http://www.wapforum.org/profiles/UAPROF/ccppschema-20010430#`, and the later ones. */
function isSchemaNamespace(namespace: string): boolean {
  return /\/ccppschema-[\w.-]{1,40}#$/.test(namespace);
}

const TITLE = 'User Agent Profile';
/** Characters of a media type, or of an application id. */
const MAX_ITEM = 255;

/** @throws MalformedError naming the place and what was expected. */
export function readProfile(bytes: Uint8Array): UserAgentProfile {
  const root = ScopedElement.ofRoot(parseXml(bytes, TITLE));
  if (!isRdf(root, 'RDF')) {
    throw new MalformedError(
      `${TITLE}: invalid root element ${root.element.name}: expected RDF in its namespace`,
    );
  }
  const components = root.children
    .flatMap(({ children }) => children)
    .filter((node) => isOfSchema(node, 'component'))
    .map(descriptionOf);
  const push = components.filter((component) => isComponent(component, 'PushCharacteristics'));
  const hardware = components.filter((component) => isComponent(component, 'HardwarePlatform'));
  return defined({
    vendor: text(property(hardware, 'Vendor')),
    model: text(property(hardware, 'Model')),
    applications: items(property(push, 'Push-Accept-AppID')),
    mediaTypes: mediaTypes(property(push, 'Push-Accept')),
    maxSize: size(property(push, 'Push-MsgSize')),
  });
}

/** The Description of a component, or the component itself (rdf:parseType="Resource"). */
function descriptionOf(component: ScopedElement): ScopedElement {
  return component.children.find((child) => isRdf(child, 'Description')) ?? component;
}

/** Compares the type, and the name, which is all that old profiles have. */
function isComponent(description: ScopedElement, name: string): boolean {
  const types = description.children.filter((child) => isRdf(child, 'type'));
  const names = [
    ...types.flatMap((type) => attributesOf(type, ['resource'])),
    ...attributesOf(description, ['ID', 'about']),
  ];
  return names.some((uri) => uri.slice(uri.lastIndexOf('#') + 1) === name);
}

/** A property of a component takes precedence over its defaults (CC/PP 3.3). */
function property(components: readonly ScopedElement[], name: string): ScopedElement | undefined {
  const own = components.flatMap(({ children }) => children);
  const defaults = own
    .filter((child) => isOfSchema(child, 'Defaults') || isOfSchema(child, 'defaults'))
    .map(descriptionOf)
    .flatMap(({ children }) => children);
  return [...own, ...defaults].find((child) => isOfSchema(child, name));
}

function text(node: ScopedElement | undefined): string | undefined {
  const written = node && textOf(node.element).trim();
  return written === '' ? undefined : written;
}

/** The values of a bag or sequence, or a single value. */
function items(node: ScopedElement | undefined): string[] | undefined {
  if (!node) return undefined;
  const containers = node.children.filter((child) => isRdf(child, 'Bag') || isRdf(child, 'Seq'));
  const values = containers.length === 0 ? [node] : containers.flatMap(({ children }) => children);
  const texts = values.map(({ element }) => textOf(element).trim()).filter((value) => value !== '');
  const long = texts.find((value) => value.length > MAX_ITEM);
  if (long !== undefined) {
    throw new MalformedError(
      `invalid ${node.element.name} "${long.slice(0, 40)}…": expected at most ${MAX_ITEM} characters`,
    );
  }
  return [...new Set(texts)];
}

/** Invalid ranges of real profiles, such as `application/vnd.wap.*`, are ignored. */
function mediaTypes(node: ScopedElement | undefined): string[] | undefined {
  const types = items(node)?.map((value) => (value.split(';', 1)[0] ?? '').trim().toLowerCase());
  return types && [...new Set(types.filter(isMediaRange))];
}

function size(node: ScopedElement | undefined): number | undefined {
  const written = text(node);
  if (written === undefined) return undefined;
  const octets = /^\d{1,16}$/.test(written) ? Number(written) : Number.NaN;
  if (!Number.isSafeInteger(octets)) {
    throw new MalformedError(`invalid Push-MsgSize "${written.slice(0, 40)}": expected a number of octets`);
  }
  return octets;
}

function isRdf({ name }: ScopedElement, local: string): boolean {
  return name.namespace === RDF_NAMESPACE && name.local === local;
}

function isOfSchema({ name }: ScopedElement, local: string): boolean {
  return name.local === local && isSchemaNamespace(name.namespace);
}

/** Attributes of RDF. Old profiles write them without a prefix. */
function attributesOf(scoped: ScopedElement, locals: readonly string[]): string[] {
  return scoped.element.attributes.flatMap(({ name, value }) => {
    const expanded = name.includes(':') ? scoped.expand(name) : { namespace: RDF_NAMESPACE, local: name };
    const known = expanded.namespace === RDF_NAMESPACE && locals.includes(expanded.local);
    return known ? [value.filter((part) => typeof part === 'string').join('')] : [];
  });
}

/** Writes a profile. @throws ConfigurationError if a text contains characters that XML does not allow. */
export function writeProfile(profile: UserAgentProfile): Uint8Array {
  const { vendor, model, applications, mediaTypes, maxSize } = profile;
  const components = [
    component('HardwarePlatform', [value('Vendor', vendor), value('Model', model)]),
    component('PushCharacteristics', [
      bag('Push-Accept', mediaTypes),
      bag('Push-Accept-AppID', applications),
      value('Push-MsgSize', maxSize === undefined ? undefined : String(maxSize)),
    ]),
  ];
  const namespaces = { 'xmlns:rdf': RDF_NAMESPACE, 'xmlns:prf': SCHEMA_NAMESPACE };
  return writeXml(
    element('rdf:RDF', namespaces, element('rdf:Description', { 'rdf:ID': 'Profile' }, ...components.flat())),
  );
}

function component(name: string, properties: readonly MarkupElement[][]): MarkupElement[] {
  const present = properties.flat();
  if (present.length === 0) return [];
  const type = element('rdf:type', { 'rdf:resource': `${SCHEMA_NAMESPACE}${name}` });
  return [element('prf:component', {}, element('rdf:Description', { 'rdf:ID': name }, type, ...present))];
}

function value(name: string, text: string | undefined): MarkupElement[] {
  return text === undefined ? [] : [element(`prf:${name}`, {}, text)];
}

function bag(name: string, texts: readonly string[] | undefined): MarkupElement[] {
  if (texts === undefined) return [];
  const items = texts.map((text) => element('rdf:li', {}, text));
  return [element(`prf:${name}`, {}, element('rdf:Bag', {}, ...items))];
}
