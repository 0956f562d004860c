/** A UICC in software, from the keys that a configuration has, hexadecimal. */

import { decodeHexadecimal } from '../../../core/content/binary-text.js';
import { SoftwareUicc } from '../../../core/sip/authentication/aka/software-uicc.js';

export interface UiccKeys {
  k: string;
  opc?: string;
  op?: string;
  sqn?: string;
}

export function softwareUicc({ k, opc, op = '', sqn }: UiccKeys): SoftwareUicc {
  return new SoftwareUicc({
    k: decodeHexadecimal(k),
    operator: opc === undefined ? { op: decodeHexadecimal(op) } : { opc: decodeHexadecimal(opc) },
    ...(sqn === undefined ? {} : { sqn: Number.parseInt(sqn, 16) }),
  });
}
