/** Writes `application/reginfo+xml`. */

import { element } from '../wbxml/element.js';
import type { MarkupElement } from '../wbxml/markup.js';
import { writeXml } from '../xml/write-xml.js';
import {
  GRUU_NAMESPACE,
  REGINFO_NAMESPACE,
  type Reginfo,
  type ReginfoContact,
  type ReginfoRegistration,
} from './reginfo.js';

/** @throws ConfigurationError for text that XML cannot hold. */
export function writeReginfo({ version, state, registrations }: Reginfo): Uint8Array {
  const attributes = {
    xmlns: REGINFO_NAMESPACE,
    'xmlns:gr': GRUU_NAMESPACE,
    version: String(version),
    state,
  };
  return writeXml(element('reginfo', attributes, ...registrations.map(registration)));
}

function registration({ aor, id, state, contacts }: ReginfoRegistration): MarkupElement {
  return element('registration', { aor, id, state }, ...contacts.map(contact));
}

function contact(written: ReginfoContact): MarkupElement {
  const { id, state, event, uri, displayName, parameters, publicGruu, temporaryGruu } = written;
  const children: MarkupElement[] = [element('uri', {}, uri)];
  if (displayName !== undefined) children.push(element('display-name', {}, displayName));
  for (const [name, value] of parameters) children.push(element('unknown-param', { name }, value));
  if (publicGruu !== undefined) children.push(element('gr:pub-gruu', { uri: publicGruu }));
  if (temporaryGruu) {
    const { uri, firstCSeq } = temporaryGruu;
    children.push(element('gr:temp-gruu', { uri, 'first-cseq': String(firstCSeq) }));
  }
  const attributes = {
    id,
    state,
    event,
    'duration-registered': text(written.durationRegistered),
    expires: text(written.expires),
    'retry-after': text(written.retryAfter),
    q: text(written.q),
    callid: written.callId,
    cseq: text(written.cseq),
  };
  return element('contact', attributes, ...children);
}

function text(number: number | undefined): string | undefined {
  return number === undefined ? undefined : String(number);
}
