import fc from 'fast-check';

/** Texts that a WSP text-string can hold: no zero octet, and no control character in front. */
export const wspTexts: fc.Arbitrary<string> = fc
  .string({ unit: 'grapheme-composite' })
  .map((text) => [...text].filter((character) => character >= ' ').join(''));
