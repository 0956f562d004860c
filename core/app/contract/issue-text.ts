/**
 * The message of an issue of a schema. `zod/mini` has no messages of its own in a bundle, because it loads no language:
 * each is "Invalid input". Its issues have the fields from which zod makes its messages.
 */

const NO_MESSAGE = 'Invalid input';
/** Values and keys in a message. */
const MAX_LISTED = 20;

/** The fields of an issue of zod that depend on its `code`. */
interface ZodIssue {
  readonly message: string;
  readonly path?: readonly unknown[] | undefined;
  readonly code?: unknown;
  readonly expected?: unknown;
  readonly values?: unknown;
  readonly keys?: unknown;
  readonly origin?: unknown;
  readonly minimum?: unknown;
  readonly maximum?: unknown;
  readonly inclusive?: unknown;
  readonly divisor?: unknown;
  readonly format?: unknown;
  readonly pattern?: unknown;
  readonly errors?: unknown;
}

/** For people. */
export function issueText(issue: ZodIssue): string {
  if (issue.message !== NO_MESSAGE) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${issue.expected}`;
    case 'invalid_value':
      return `expected ${listed(issue.values, ' or ')}`;
    case 'unrecognized_keys':
      return `unknown ${listed(issue.keys, ', ')}`;
    case 'too_small':
      return `expected ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unitOf(issue)}`;
    case 'too_big':
      return `expected ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${unitOf(issue)}`;
    case 'not_multiple_of':
      return `expected a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return issue.format === 'regex'
        ? `expected text that matches ${issue.pattern}`
        : `expected ${issue.format}`;
    case 'invalid_union':
      return alternatives(issue) ?? issue.message;
    default:
      return issue.message;
  }
}

function listed(values: unknown, separator: string): string {
  const all: unknown[] = Array.isArray(values) ? values : [];
  return all
    .slice(0, MAX_LISTED)
    .map((value) => (typeof value === 'string' ? JSON.stringify(value) : String(value)))
    .join(separator);
}

function unitOf({ origin }: ZodIssue): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' || origin === 'set' ? ' items' : '';
}

/** Of each alternative the first issue; undefined if one of them is at an inner value, or has a message of its own. */
function alternatives({ errors }: ZodIssue): string | undefined {
  const branches: unknown[] = Array.isArray(errors) ? errors : [];
  const firsts = branches.map((branch) =>
    Array.isArray(branch) ? (branch[0] as ZodIssue | undefined) : undefined,
  );
  const texts = firsts.map((first) => (first && !first.path?.length ? issueText(first) : undefined));
  const expected = texts.map((text) =>
    text?.startsWith('expected ') ? text.slice('expected '.length) : undefined,
  );
  if (expected.length === 0 || expected.includes(undefined)) return undefined;
  return `expected ${[...new Set(expected)].slice(0, MAX_LISTED).join(' or ')}`;
}
