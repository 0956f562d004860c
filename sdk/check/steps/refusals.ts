/** Content that is too large, of another type, or malformed. */

import { PushRefused } from '../../../core/errors.js';
import { bitFlipped, bomb, empty, oversized, truncated, wrongCharset } from '../../testing/index.js';
import type { Bench, Content, HostContext } from '../bench.js';
import { mediaTypeOf } from '../bench.js';
import { reason } from './start-stop.js';

/** A media type that no application accepts. */
const OTHER_TYPE = 'application/vnd.sip-push.check';
/** Octets: a larger `maxSize` is not tested. */
const LARGE = 2_000_000;
/** Number of variants with one flipped bit, spread over the sample. */
const FLIPS = 12;

export async function checkRefusals(bench: Bench): Promise<void> {
  const { maxSize } = bench.definition;
  if (maxSize === undefined) {
    bench.addFinding({
      rule: 'size-limit',
      severity: 'warning',
      what: 'the application accepts content of any size',
      change: 'declare the largest size that it can handle, such as maxSize: 300_000',
    });
  }
  await checkConsider(bench);
  const [type] = bench.definition.accepts;
  if (type === undefined) return;
  await bench.withHost(async (scene) => {
    await expectRefusal(bench, scene, OTHER_TYPE, new Uint8Array(1), 'of a type that it does not declare');
    if (maxSize !== undefined && maxSize < LARGE) {
      const concrete = type.replace(/\*$/, 'plain');
      await expectRefusal(bench, scene, concrete, oversized(maxSize + 1), 'larger than maxSize');
    }
  });
}

/** Calls `consider` with an offer in session mode. */
async function checkConsider(bench: Bench): Promise<void> {
  for (const { type, octets } of (await bench.contents()).contents) {
    await bench.withHost(async ({ recorder, push }) => {
      await push({ type, body: octets, mode: 'session', fileName: 'a name, with a comma.bin' });
      const error = bench.unexpectedError({ error: recorder.considerError });
      if (error === undefined) return;
      bench.addFinding({
        rule: 'refusals',
        severity: 'error',
        what: `consider threw ${Object(error).name ?? 'an error'} for an offer of ${mediaTypeOf(type)}: ${reason(error)}`,
        where: bench.locationOf(error),
        change: 'throw PushRefused to refuse a file; the size and name of an offer may be absent',
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
    what: `the application accepted a push ${what}`,
    change: 'declare accepts and maxSize, and leave the decision to the runtime',
  });
}

export async function checkBrokenContent(bench: Bench): Promise<void> {
  const { contents, missing } = await bench.contents();
  const unknown = missing.map((range) => ({
    type: range.replace('*', 'x-check'),
    octets: new TextEncoder().encode('arbitrary content'),
  }));
  for (const content of [...contents, ...unknown]) {
    await bench.withHost(async (scene) => {
      for (const [what, octets, encoding] of brokenVariants(content)) {
        await pushBroken(bench, scene, { type: content.type, octets }, what, encoding);
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
  bench: Bench,
  { recorder, push }: HostContext,
  { type, octets }: Content,
  what: string,
  encoding: 'gzip' | undefined,
): Promise<void> {
  const first = recorder.calls.length;
  const coded = encoding ? { encoding, mode: 'pager' as const } : { mode: bench.modeFor(octets) };
  await push({ type, body: octets, ...coded });
  for (const call of recorder.calls.slice(first)) {
    const error = bench.unexpectedError(call);
    if (error === undefined) continue;
    bench.addFinding({
      rule: 'broken-content',
      severity: 'error',
      what: `${mediaTypeOf(type)} ${what} made receive throw ${Object(error).name ?? 'an error'}: ${reason(error)}`,
      where: bench.locationOf(error),
      change: `throw new ${PushRefused.name}('type', …) if the content is malformed: the runtime retries after any other error`,
    });
  }
}
