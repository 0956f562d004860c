/**
 * A push application that counts each push by its number, in the commit of the push. What it stores is bounded: the numbers
 * below `below` have all arrived, and those above are bits of slots.
 */

const SLOT = 1024;
/** Ranges of missing numbers in an answer. */
const MAX_RANGES = 100;

/** The content of a push: its number, and then text derived from the number, so that damage is noticed. */
export function contentOf(number, size) {
  const start = `${number} `;
  return start.padEnd(Math.max(size, start.length), `push ${number * 7919} `);
}

export function countingApp(id) {
  return {
    id,
    accepts: ['text/plain'],
    maxSize: 1024 * 1024,
    needs: ['storage'],
    queries: { counts: true },
    async start({ storage }) {
      const totals = (await storage.get('totals')) ?? { below: 0, delivered: 0, twice: 0 };
      const slots = new Map();
      for await (const [key, value] of storage.entries()) {
        if (key !== 'totals') slots.set(Number(key), Buffer.from(value, 'base64'));
      }

      return {
        async receive(push) {
          const text = await push.text();
          const number = Number.parseInt(text, 10);
          if (text !== contentOf(number, text.length)) throw new Error(`push ${number} is damaged`);
          const slot = Math.floor(number / SLOT);
          const bits = Buffer.from(slots.get(slot) ?? Buffer.alloc(SLOT / 8));
          const next = { ...totals };
          const bit = number % SLOT;
          const known = slot < totals.below || (bits[bit >> 3] & (1 << (bit & 7))) !== 0;
          if (known) next.twice += 1;
          else {
            next.delivered += 1;
            bits[bit >> 3] |= 1 << (bit & 7);
          }
          const complete = [];
          if (!known) {
            const isComplete = (at) => (at === slot ? bits : slots.get(at))?.every((byte) => byte === 255);
            for (; isComplete(next.below); next.below++) complete.push(next.below);
          }
          await push.commit((tx) => {
            if (!known && slot >= next.below) tx.put(String(slot), bits.toString('base64'));
            for (const each of complete) tx.delete(String(each));
            tx.put('totals', next);
          });
          Object.assign(totals, next);
          if (!known) slots.set(slot, bits);
          for (const each of complete) slots.delete(each);
        },
        queries: { counts: (until) => ({ ...totals, missing: missing(totals.below, slots, until) }) },
      };
    },
  };
}

/** Ranges `[from, to)` of the numbers below `until` that have not arrived. */
function missing(below, slots, until) {
  const ranges = [];
  for (let number = below * SLOT; number < until && ranges.length < MAX_RANGES; number++) {
    const byte = slots.get(Math.floor(number / SLOT))?.[(number % SLOT) >> 3] ?? 0;
    if ((byte & (1 << (number & 7))) !== 0) continue;
    const last = ranges.at(-1);
    if (last?.[1] === number) last[1] = number + 1;
    else ranges.push([number, number + 1]);
  }
  return ranges;
}
