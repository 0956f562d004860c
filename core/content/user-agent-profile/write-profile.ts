/** Writes a User Agent Profile: the components that there is something to say of. */

import { element } from '../wbxml/element.js';
import type { MarkupElement } from '../wbxml/markup.js';
import { writeXml } from '../xml/write-xml.js';
import { RDF_NAMESPACE, SCHEMA_NAMESPACE, type UserAgentProfile } from './user-agent-profile.js';

/** @throws ConfigurationError for text that XML cannot hold. */
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
  const given = properties.flat();
  if (given.length === 0) return [];
  const type = element('rdf:type', { 'rdf:resource': `${SCHEMA_NAMESPACE}${name}` });
  return [element('prf:component', {}, element('rdf:Description', { 'rdf:ID': name }, type, ...given))];
}

function value(name: string, text: string | undefined): MarkupElement[] {
  return text === undefined ? [] : [element(`prf:${name}`, {}, text)];
}

function bag(name: string, texts: readonly string[] | undefined): MarkupElement[] {
  if (texts === undefined) return [];
  const items = texts.map((text) => element('rdf:li', {}, text));
  return [element(`prf:${name}`, {}, element('rdf:Bag', {}, ...items))];
}
