/** What an agent may fetch by HTTP. */

import { z } from 'zod';
import { origin } from '../validation/origin.js';
import { count, seconds } from './fields.js';

export const fetchKeys = z.strictObject({
  allow: z.array(origin).optional(),
  maxSize: count.optional(),
  timeout: seconds.optional(),
});
