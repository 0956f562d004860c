import fc from 'fast-check';

/** Texts that are valid in a WSP text-string: no zero octet, and no control character at the start. */
export const wspTexts: fc.Arbitrary<string> = fc
  .string({ unit: 'grapheme-composite' })
  .map((text) => [...text].filter((character) => character >= ' ').join(''));
