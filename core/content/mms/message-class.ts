/** Message-class-value: a known class by octet, any other as token (OMA-TS-MMS_ENC 7.3.27). */

import { ConfigurationError } from '../../errors.js';
import { isToken } from '../token.js';
import { readTextString, writeTextString } from '../wsp/text.js';
import { enumerated, type MmsValue } from './value.js';

const classes = ['personal', 'advertisement', 'informational', 'auto'] as const;
const known = enumerated(classes);

/** `personal`, `advertisement`, `informational`, `auto`, or a class of the operator's own. */
export const messageClass: MmsValue<string> = {
  read(reader, field) {
    const first = reader.peek();
    return first !== undefined && first < 0x80 ? readTextString(reader, field) : known.read(reader, field);
  },
  write(writer, value) {
    const name = classes.find((candidate) => candidate === value.toLowerCase());
    if (name !== undefined) {
      known.write(writer, name);
      return;
    }
    if (!isToken(value)) throw new ConfigurationError(`a message class is a token, not "${value}"`);
    writeTextString(writer, value);
  },
};
