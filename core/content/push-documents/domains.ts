/** Value tokens of SI, SL and CO: ends of host names with a slash. */
export const DOMAINS = {
  0x85: '.com/',
  0x86: '.edu/',
  0x87: '.net/',
  0x88: '.org/',
} as const;
