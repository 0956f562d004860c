/** What hosts tell of pushes, made comparable: without what differs each time. */

/** An event of a host. */
export type ToldEvent = { readonly time?: number; readonly event: string } & Readonly<
  Record<string, unknown>
>;

/** A push that cannot be given again. */
export interface SkippedPush {
  readonly at: number;
  readonly app: string;
  readonly from: string;
  /** Why not. */
  readonly why: string;
}

/** Of registrations, connections and progress there is nothing to compare. */
const COMPARED = new Set(['push', 'refused', 'broken-off', 'app']);

/** Those that are compared; without those of skipped pushes, and of applications that had one. */
export function eventsOf(events: readonly ToldEvent[], skipped: readonly SkippedPush[]): ToldEvent[] {
  const kept = events.filter(({ event }) => COMPARED.has(event));
  for (const { at, app, from } of skipped) {
    const index = kept.findIndex(
      (told) =>
        (told.time ?? 0) >= at && told.from === from && (told.event === 'refused' || told.app === app),
    );
    if (index >= 0) kept.splice(index, 1);
  }
  const unsure = new Set(skipped.map(({ app }) => app));
  return kept.filter(({ event, app }) => event !== 'app' || !unsure.has(`${app}`));
}

/**
 * A line for each: first what came of the pushes, then what each application said. They run beside each other, and
 * which of them is told first says nothing.
 * @param ignore names of fields that differ each time.
 */
export function linesOf(events: readonly ToldEvent[], ignore: readonly string[]): string[] {
  // What it is called differs; that it is the same push counts.
  const names = new Map<unknown, string>();
  for (const { event, id } of events) {
    if (event === 'push' && typeof id === 'string' && id !== '' && !names.has(id))
      names.set(id, `push ${names.size + 1}`);
  }
  const left = new Set(['time', ...ignore]);
  const shown = (key: string, value: unknown) => (left.has(key) ? undefined : (names.get(value) ?? value));
  const group = ({ event, app }: ToldEvent) => (event === 'app' ? `app ${app}` : '');
  return events
    .toSorted((one, other) => (group(one) === group(other) ? 0 : group(one) < group(other) ? -1 : 1))
    .map((told) => JSON.stringify(sorted(told), shown));
}

/** The event's name first, then by name: the order of fields says nothing. */
function sorted({ event, ...fields }: ToldEvent): object {
  return {
    event,
    ...Object.fromEntries(Object.entries(fields).sort(([one], [other]) => (one < other ? -1 : 1))),
  };
}

/** As applications write times in their events. */
const TIME = /"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g;
/** Milliseconds that a device in a test may be earlier or later: what it reckons with is when a push came. */
const SAME_MOMENT = 1000;

/** `actual`, with the times of `expected` in place of those that are nearly the same. */
export function atTheirTimes(actual: readonly string[], expected: readonly string[]): string[] {
  /** By the second that they are in. */
  const moments = new Map<number, number[]>();
  for (const time of expected.flatMap((line) => line.match(TIME) ?? [])) {
    const moment = Date.parse(time.slice(1, -1));
    const second = Math.floor(moment / SAME_MOMENT);
    const known = moments.get(second);
    if (known === undefined) moments.set(second, [moment]);
    else if (!known.includes(moment)) known.push(moment);
  }
  const snapped = (time: string) => {
    const moment = Date.parse(time.slice(1, -1));
    const second = Math.floor(moment / SAME_MOMENT);
    const [nearest] = [second - 1, second, second + 1]
      .flatMap((each) => moments.get(each) ?? [])
      .sort((one, other) => Math.abs(one - moment) - Math.abs(other - moment));
    const same = nearest !== undefined && Math.abs(nearest - moment) < SAME_MOMENT;
    return same ? JSON.stringify(new Date(nearest)) : time;
  };
  return actual.map((line) => line.replace(TIME, snapped));
}
