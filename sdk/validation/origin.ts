/** A key that holds an origin to fetch from. */

import { z } from 'zod';
import { AllowList } from '../../core/content/fetch/allow-list.js';

export const origin = z
  .string()
  .refine(isOrigin, 'expected an origin, e.g. https://*.operator.test or http://127.0.0.1:*');

function isOrigin(entry: string): boolean {
  try {
    new AllowList([entry]);
    return true;
  } catch {
    return false;
  }
}
