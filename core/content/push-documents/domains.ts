/** Value tokens of SI, SL and CO: ends of host names with a slash. */
export const DOMAINS = {
  133: '.com/',
  134: '.edu/',
  135: '.net/',
  136: '.org/',
} as const;
