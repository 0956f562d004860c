import { platform } from '#platform';
import type { MediaType } from '../content.js';

/** The type with a boundary of 128 random bits: no content holds it but by having seen it. */
export function withBoundary({ type, parameters }: MediaType): MediaType {
  return { type, parameters: { ...parameters, boundary: platform.randomHex(16) } };
}
