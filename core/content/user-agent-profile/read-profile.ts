/** Reads a User Agent Profile, of whatever version of the schema; what is not of push is passed over. */

import { MalformedError } from '../../errors.js';
import { given } from '../../given.js';
import { isMediaRange } from '../media-type.js';
import { textOf } from '../wbxml/element.js';
import { ScopedElement } from '../xml/namespaces.js';
import { parseXml } from '../xml/parse-xml.js';
import { isSchemaNamespace, RDF_NAMESPACE, type UserAgentProfile } from './user-agent-profile.js';

const TITLE = 'User Agent Profile';
/** Characters of a media type, or of an application's name. */
const MAX_ITEM = 255;

/** @throws MalformedError saying where and what was expected. */
export function readProfile(bytes: Uint8Array): UserAgentProfile {
  const root = ScopedElement.ofRoot(parseXml(bytes, TITLE));
  if (!isRdf(root, 'RDF')) {
    throw new MalformedError(`${TITLE}: root element is ${root.element.name}, expected RDF of its namespace`);
  }
  const components = root.children
    .flatMap(({ children }) => children)
    .filter((node) => isOfSchema(node, 'component'))
    .map(descriptionOf);
  const push = components.filter((component) => isComponent(component, 'PushCharacteristics'));
  const hardware = components.filter((component) => isComponent(component, 'HardwarePlatform'));
  return given({
    vendor: text(property(hardware, 'Vendor')),
    model: text(property(hardware, 'Model')),
    applications: items(property(push, 'Push-Accept-AppID')),
    mediaTypes: mediaTypes(property(push, 'Push-Accept')),
    maxSize: size(property(push, 'Push-MsgSize')),
  });
}

/** The component's own Description, where it is not the component itself (rdf:parseType="Resource"). */
function descriptionOf(component: ScopedElement): ScopedElement {
  return component.children.find((child) => isRdf(child, 'Description')) ?? component;
}

/** By its type, or by its own name, which profiles of old have alone. */
function isComponent(description: ScopedElement, name: string): boolean {
  const types = description.children.filter((child) => isRdf(child, 'type'));
  const names = [
    ...types.flatMap((type) => attributesOf(type, ['resource'])),
    ...attributesOf(description, ['ID', 'about']),
  ];
  return names.some((uri) => uri.slice(uri.lastIndexOf('#') + 1) === name);
}

/** What the component says of itself comes before what its defaults say (CC/PP 3.3). */
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

/** Of a bag or sequence; a single value may stand without one. */
function items(node: ScopedElement | undefined): string[] | undefined {
  if (!node) return undefined;
  const containers = node.children.filter((child) => isRdf(child, 'Bag') || isRdf(child, 'Seq'));
  const values = containers.length === 0 ? [node] : containers.flatMap(({ children }) => children);
  const texts = values.map(({ element }) => textOf(element).trim()).filter((value) => value !== '');
  const long = texts.find((value) => value.length > MAX_ITEM);
  if (long !== undefined) {
    throw new MalformedError(
      `${node.element.name}: "${long.slice(0, 40)}…", expected ${MAX_ITEM} characters at most`,
    );
  }
  return [...new Set(texts)];
}

/** Real profiles have other things among them, such as `application/vnd.wap.*`: nothing can be made of those. */
function mediaTypes(node: ScopedElement | undefined): string[] | undefined {
  const types = items(node)?.map((value) => (value.split(';', 1)[0] ?? '').trim().toLowerCase());
  return types && [...new Set(types.filter(isMediaRange))];
}

function size(node: ScopedElement | undefined): number | undefined {
  const written = text(node);
  if (written === undefined) return undefined;
  const octets = /^\d{1,16}$/.test(written) ? Number(written) : Number.NaN;
  if (!Number.isSafeInteger(octets)) {
    throw new MalformedError(`Push-MsgSize: "${written.slice(0, 40)}", expected a number of octets`);
  }
  return octets;
}

function isRdf({ name }: ScopedElement, local: string): boolean {
  return name.namespace === RDF_NAMESPACE && name.local === local;
}

function isOfSchema({ name }: ScopedElement, local: string): boolean {
  return name.local === local && isSchemaNamespace(name.namespace);
}

/** Attributes of RDF: profiles of old write them without a prefix. */
function attributesOf(scoped: ScopedElement, locals: readonly string[]): string[] {
  return scoped.element.attributes.flatMap(({ name, value }) => {
    const expanded = name.includes(':') ? scoped.expand(name) : { namespace: RDF_NAMESPACE, local: name };
    const known = expanded.namespace === RDF_NAMESPACE && locals.includes(expanded.local);
    return known ? [value.filter((part) => typeof part === 'string').join('')] : [];
  });
}
