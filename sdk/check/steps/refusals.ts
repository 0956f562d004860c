/** What is too large or of another type; and content that is not what its type says. */

import { PushRefused } from '../../../core/errors.js';
import { bitFlipped, bomb, empty, oversized, truncated, wrongCharset } from '../../testing/index.js';
import type { Bench, Content, HostContext } from '../bench.js';
import { mediaTypeOf } from '../bench.js';
import { reason } from './start-stop.js';

/** No media type of anybody's. */
const OTHER_TYPE = 'application/vnd.sip-push.check';
/** An application that says nothing is given this much, to see. */
const LARGE = 2_000_000;
/** Bits that are flipped, one at a time, over all of a sample. */
const FLIPS = 12;

export async function checkRefusals(bench: Bench): Promise<void> {
  const { size } = bench.definition.limits ?? {};
  if (size === undefined) {
    bench.addFinding({
      rule: 'size-limit',
      severity: 'warning',
      what: 'it takes content of any size',
      change: 'say what the largest is that it can use: limits: { size: 300_000 }',
    });
  }
  await checkConsider(bench);
  const [type] = bench.definition.accepts;
  if (type === undefined) return;
  await bench.withHost(async (scene) => {
    await expectRefusal(bench, scene, OTHER_TYPE, new Uint8Array(1), 'of a type that it does not take');
    if (size !== undefined && size < LARGE) {
      const concrete = type.replace(/\*$/, 'plain');
      await expectRefusal(bench, scene, concrete, oversized(size + 1), 'larger than limits.size');
    }
  });
}

/** In session mode it is asked ahead. */
async function checkConsider(bench: Bench): Promise<void> {
  for (const { type, octets } of (await bench.contents()).contents) {
    await bench.withHost(async ({ watch, push }) => {
      await push({ type, body: octets, mode: 'session', fileName: 'a name, with a comma.bin' });
      const error = bench.unexpectedError({ error: watch.considerError });
      if (error === undefined) return;
      bench.addFinding({
        rule: 'refusals',
        severity: 'error',
        what: `consider threw ${Object(error).name ?? 'something'} at an offer of ${mediaTypeOf(type)}: ${reason(error)}`,
        locationOf: bench.where(error),
        change: 'throw PushRefused where it does not want a file; size and name of an offer may be absent',
      });
    });
  }
}

async function expectRefusal(
  bench: Bench,
  { push }: HostContext,
  type: string,
  body: Uint8Array,
  what: string,
): Promise<void> {
  if (bench.definition.accepts.some((range) => range === '*/*' || range === type)) return;
  const result = await push({ type, body, mode: bench.modeFor(body) });
  if (result.outcome !== 'delivered') return;
  bench.addFinding({
    rule: 'refusals',
    severity: 'error',
    what: `it took a push ${what}`,
    change: 'let the runtime decide by accepts and limits.size',
  });
}

export async function checkBrokenContent(bench: Bench): Promise<void> {
  const { contents, missing } = await bench.contents();
  const unknown = missing.map((range) => ({
    type: range.replace('*', 'x-check'),
    octets: new TextEncoder().encode('whatever this is'),
  }));
  for (const content of [...contents, ...unknown]) {
    await bench.withHost(async (scene) => {
      for (const [what, octets, encoding] of brokenVariants(content)) {
        await pushBroken(bench, scene, { type: content.type, octets }, what, encoding);
      }
    });
  }
}

function* brokenVariants({ octets }: Content): Generator<[what: string, octets: Uint8Array, encoding?: 'gzip']> {
  yield ['that is empty', empty()];
  yield ['that is cut off in the middle', truncated(octets)];
  yield ['without its last octet', truncated(octets, octets.length - 1)];
  const step = Math.max(1, Math.floor((octets.length * 8) / FLIPS));
  for (let bit = 0; bit < octets.length * 8; bit += step)
    yield [`with bit ${bit} flipped`, bitFlipped(octets, bit)];
  yield ['in UTF-16', wrongCharset('What a day this has been')];
  yield ['of random octets', new Uint8Array(256).map((_, index) => (index * 167 + 13) & 0xff)];
  yield ['that unfolds to half a megabyte of zeros', bomb(), 'gzip'];
}

async function pushBroken(
  bench: Bench,
  { watch, push }: HostContext,
  { type, octets }: Content,
  what: string,
  encoding: 'gzip' | undefined,
): Promise<void> {
  const first = watch.calls.length;
  const coded = encoding ? { encoding, mode: 'pager' as const } : { mode: bench.modeFor(octets) };
  await push({ type, body: octets, ...coded });
  for (const call of watch.calls.slice(first)) {
    const error = bench.unexpectedError(call);
    if (error === undefined) continue;
    bench.addFinding({
      rule: 'broken-content',
      severity: 'error',
      what: `${mediaTypeOf(type)} ${what} made receive throw ${Object(error).name ?? 'something'}: ${reason(error)}`,
      locationOf: bench.where(error),
      change: `throw new ${PushRefused.name}('type', …) where content is not what its type says: anything else is tried again, for nothing`,
    });
  }
}
