/** The keys of a subscriber of an IMS network, for a UICC in software (3GPP TS 35.206). */

import { z } from 'zod';
import { decodeHexadecimal } from '../../core/content/binary-text.js';
import { SoftwareUicc, type Uicc } from '../../core/sip/authentication/aka/software-uicc.js';

// What was found instead is never said: these are secrets.
const key = z
  .string()
  .regex(/^[0-9a-f]{32}$/i, 'expected 16 octets, 32 hexadecimal digits')
  .transform(decodeHexadecimal);

export const akaKeys = z
  .strictObject({
    k: key,
    opc: key.optional(),
    op: key.optional(),
    /** The highest sequence number accepted before. */
    sqn: z
      .string()
      .regex(/^[0-9a-f]{12}$/i, 'expected 6 octets, 12 hexadecimal digits')
      .transform((hex) => Number.parseInt(hex, 16))
      .optional(),
  })
  .refine(({ opc, op }) => (opc === undefined) !== (op === undefined), 'expected either "opc" or "op"');

export function softwareUicc({ k, opc, op, sqn }: z.infer<typeof akaKeys>): Uicc {
  const operator = opc ? { opc } : { op: op ?? new Uint8Array() };
  return new SoftwareUicc({ k, operator, sqn });
}
