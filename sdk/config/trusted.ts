/** Entries of `trust`. */

import { z } from 'zod';
import { TrustList } from '../../core/sip/values/asserted-identity.js';

export const trusted = z
  .string()
  .refine(isTrustEntry, 'expected e.g. sip:psa@domain.test, sip:*@domain.test or tel:+15550100');

function isTrustEntry(entry: string): boolean {
  try {
    new TrustList([entry]);
    return true;
  } catch {
    return false;
  }
}
