/** What an agent may fetch by HTTP. */

import { z } from 'zod';
import { AllowList } from '../../../core/content/fetch/allow-list.js';
import { count, seconds } from './fields.js';

const allowed = z
  .string()
  .refine(isOrigin, 'expected an origin, e.g. https://*.operator.test or http://127.0.0.1:*');

export const fetchKeys = z.strictObject({
  allow: z.array(allowed).optional(),
  maxSize: count.optional(),
  timeout: seconds.optional(),
});

function isOrigin(entry: string): boolean {
  try {
    new AllowList([entry]);
    return true;
  } catch {
    return false;
  }
}
