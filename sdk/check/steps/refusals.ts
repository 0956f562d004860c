/** Content that is too large, of another type, or malformed. */

import { bitFlipped, bomb, empty, oversized, truncated, wrongCharset } from '../../testing/index.js';
import type { Content, HostContext, StepContext } from '../step-context.js';
import { mediaTypeOf } from '../step-context.js';
import { reason } from './start-stop.js';

/** A media type that no application accepts. */
const OTHER_TYPE = 'application/vnd.sip-push.check';
/** In octets. A larger `maxSize` is not tested. */
const LARGE = 2_000_000;
/** Number of variants with one flipped bit, spread over the sample. */
const FLIPS = 12;

export async function checkRefusals(context: StepContext): Promise<void> {
  const { maxSize } = context.definition;
  if (maxSize === undefined) {
    context.addFinding({
      rule: 'size-limit',
      severity: 'warning',
      what: 'the application accepts content of any size',
      change: 'declare the largest size that it can handle, such as maxSize: 300_000',
    });
  }
  await checkConsider(context);
  const [type] = context.definition.accepts;
  if (type === undefined) return;
  await context.withHost(async (hostContext) => {
    await expectRefusal(
      context,
      hostContext,
      OTHER_TYPE,
      new Uint8Array(1),
      'of a type that it does not declare',
    );
    if (maxSize !== undefined && maxSize < LARGE) {
      const concrete = type.replace(/\*$/, 'plain');
      await expectRefusal(context, hostContext, concrete, oversized(maxSize + 1), 'larger than maxSize');
    }
  });
}

/** Calls `consider` with an offer in session mode. */
async function checkConsider(context: StepContext): Promise<void> {
  for (const { type, octets } of (await context.contents()).contents) {
    await context.withHost(async ({ recorder, push }) => {
      await push({ type, body: octets, mode: 'session', fileName: 'a name, with a comma.bin' });
      const error = context.unexpectedError({ error: recorder.considerError });
      if (error === undefined) return;
      context.addFinding({
        rule: 'refusals',
        severity: 'error',
        what: `consider threw ${Object(error).name ?? 'an error'} for an offer of ${mediaTypeOf(type)}: ${reason(error)}`,
        where: context.locationOf(error),
        change: 'throw refuse(…) to refuse a file; the size and name of an offer may be absent',
      });
    });
  }
}

async function expectRefusal(
  context: StepContext,
  { push }: HostContext,
  type: string,
  body: Uint8Array,
  what: string,
): Promise<void> {
  if (context.definition.accepts.some((range) => range === '*/*' || range === type)) return;
  const result = await push({ type, body, mode: context.modeFor(body) });
  if (result.outcome !== 'delivered') return;
  context.addFinding({
    rule: 'refusals',
    severity: 'error',
    what: `the application accepted a push ${what}`,
    change: 'declare accepts and maxSize: the runtime refuses other pushes',
  });
}

export async function checkBrokenContent(context: StepContext): Promise<void> {
  const { contents, missing } = await context.contents();
  const unknown = missing.map((range) => ({
    type: range.replace('*', 'x-check'),
    octets: new TextEncoder().encode('arbitrary content'),
  }));
  for (const content of [...contents, ...unknown]) {
    await context.withHost(async (hostContext) => {
      for (const [what, octets, encoding] of brokenVariants(content)) {
        await pushBroken(context, hostContext, { type: content.type, octets }, what, encoding);
      }
    });
  }
}

function* brokenVariants({
  octets,
}: Content): Generator<[what: string, octets: Uint8Array, encoding?: 'gzip']> {
  yield ['that is empty', empty()];
  yield ['that is truncated in the middle', truncated(octets)];
  yield ['without its last octet', truncated(octets, octets.length - 1)];
  const step = Math.max(1, Math.floor((octets.length * 8) / FLIPS));
  for (let bit = 0; bit < octets.length * 8; bit += step)
    yield [`with bit ${bit} flipped`, bitFlipped(octets, bit)];
  yield ['in UTF-16', wrongCharset('What a day this has been')];
  yield ['of random octets', new Uint8Array(256).map((_, index) => (index * 167 + 13) & 0xff)];
  yield ['that decompresses to half a megabyte of zeros', bomb(), 'gzip'];
}

async function pushBroken(
  context: StepContext,
  { recorder, push }: HostContext,
  { type, octets }: Content,
  what: string,
  encoding: 'gzip' | undefined,
): Promise<void> {
  const first = recorder.calls.length;
  const options = encoding ? { encoding, mode: 'pager' as const } : { mode: context.modeFor(octets) };
  await push({ type, body: octets, ...options });
  for (const call of recorder.calls.slice(first)) {
    const error = context.unexpectedError(call);
    if (error === undefined) continue;
    context.addFinding({
      rule: 'broken-content',
      severity: 'error',
      what: `${mediaTypeOf(type)} ${what} made receive throw ${Object(error).name ?? 'an error'}: ${reason(error)}`,
      where: context.locationOf(error),
      change:
        "throw refuse('type', …) or MalformedError if the content is malformed: the runtime retries after any other error",
    });
  }
}
