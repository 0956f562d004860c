/** Element-descriptor-value: what the message that waits holds, part by part (OMA-TS-MMS_ENC 7.3.18). */

import { ConfigurationError } from '../../errors.js';
import { isToken } from '../token.js';
import { readMedia, writeConstrainedMedia } from '../wsp/media.js';
import type { OctetReader } from '../wsp/octet-reader.js';
import type { OctetWriter } from '../wsp/octet-writer.js';
import { readUntyped, startsText } from '../wsp/parameter-values.js';
import { readTextString, writeTextString, writeTextValue } from '../wsp/text.js';
import { readFramed, writeFramed } from '../wsp/value-length.js';
import type { MmsValue } from './value.js';

/** A part of a message that may be retrieved by itself (OMA-TS-MMS_ENC 7.3.18). */
export interface ElementDescriptor {
  readonly contentReference: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The one well-known parameter of table 27; its codes are not those of WSP. */
const TYPE = 0x02;
const MAX_PARAMETERS = 64;

export const elementDescriptor: MmsValue<ElementDescriptor> = {
  read: (reader, field) =>
    readFramed(reader, field, (value) => ({
      contentReference: readTextString(value, field),
      parameters: readParameters(value, field),
    })),
  write: (writer, { contentReference, parameters }) =>
    writeFramed(writer, (value) => {
      writeTextString(value, contentReference);
      for (const [name, text] of Object.entries(parameters)) writeParameter(value, name, text);
    }),
};

function readParameters(reader: OctetReader, field: string): Record<string, string> {
  const parameters = new Map<string, string>();
  for (let count = 0; !reader.atEnd; count += 1) {
    if (count === MAX_PARAMETERS) throw reader.failure(field, `at most ${MAX_PARAMETERS} parameters`);
    const first = reader.peek();
    if (first !== undefined && startsText(first)) {
      const name = readTextString(reader, field).toLowerCase();
      parameters.set(name, readUntyped(reader, field));
    } else {
      const start = reader.offset;
      if (reader.octet(field) !== (TYPE | 0x80))
        throw reader.failure(field, 'a parameter (82 type, or text)', start);
      parameters.set('type', readMedia(reader, field));
    }
  }
  return Object.fromEntries(parameters);
}

function writeParameter(writer: OctetWriter, name: string, text: string): void {
  if (name === 'type') {
    writeConstrainedMedia(writer.octet(TYPE | 0x80), text);
    return;
  }
  if (!isToken(name)) throw new ConfigurationError(`a parameter's name is a token, not "${name}"`);
  writeTextString(writer, name);
  writeTextValue(writer, text);
}
