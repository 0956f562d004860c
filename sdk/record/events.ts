/** Events of hosts in a form that can be compared: without values that differ each time. */

/** An event of a host. */
export type HostEventRecord = { readonly time?: number; readonly event: string } & Readonly<
  Record<string, unknown>
>;

/** A push that cannot be replayed. */
export interface SkippedPush {
  readonly at: number;
  readonly app: string;
  readonly from: string;
  /** Why it cannot be replayed. */
  readonly why: string;
}

/** Registrations, connections and progress are not compared. */
const COMPARED = new Set(['push', 'refused', 'broken-off', 'app']);

/** The events to compare: without those of skipped pushes, and without `app` events of applications that had a skipped push. */
export function eventsOf(
  events: readonly HostEventRecord[],
  skipped: readonly SkippedPush[],
): HostEventRecord[] {
  const kept = events.filter(({ event }) => COMPARED.has(event));
  for (const { at, app, from } of skipped) {
    const index = kept.findIndex(
      (event) =>
        (event.time ?? 0) >= at && event.from === from && (event.event === 'refused' || event.app === app),
    );
    if (index >= 0) kept.splice(index, 1);
  }
  const unsure = new Set(skipped.map(({ app }) => app));
  return kept.filter(({ event, app }) => event !== 'app' || !unsure.has(`${app}`));
}

/**
 * One line for each event: first those of pushes, then those of each application. Applications run concurrently, so their
 * relative order is not compared.
 * @param ignore names of fields that differ each time.
 */
export function linesOf(events: readonly HostEventRecord[], ignore: readonly string[]): string[] {
  // Ids of pushes differ; only their equality is compared.
  const names = new Map<unknown, string>();
  for (const { event, id } of events) {
    if (event === 'push' && typeof id === 'string' && id !== '' && !names.has(id))
      names.set(id, `push ${names.size + 1}`);
  }
  const left = new Set(['time', ...ignore]);
  const shown = (key: string, value: unknown) => (left.has(key) ? undefined : (names.get(value) ?? value));
  const group = ({ event, app }: HostEventRecord) => (event === 'app' ? `app ${app}` : '');
  return events
    .toSorted((one, other) => (group(one) === group(other) ? 0 : group(one) < group(other) ? -1 : 1))
    .map((event) => JSON.stringify(sorted(withoutEventId(event)), shown));
}

/** An application's event without the identifier that the host adds. `id` is the application's own beside `eventId`. */
function withoutEventId(event: HostEventRecord): HostEventRecord {
  if (event.event !== 'app') return event;
  return event.eventId === undefined ? { ...event, id: undefined } : { ...event, eventId: undefined };
}

/** Sorts the fields by name, after `event`: their order is not compared. */
function sorted({ event, ...fields }: HostEventRecord): object {
  return {
    event,
    ...Object.fromEntries(Object.entries(fields).sort(([one], [other]) => (one < other ? -1 : 1))),
  };
}

/** The format of times in events. */
const TIME = /"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g;
/** Milliseconds by which the times of a replay can differ from the recorded times. */
const SAME_MOMENT = 1000;

/** Replaces times in `actual` with times of `expected` that are nearly equal. */
export function withRecordedTimes(actual: readonly string[], expected: readonly string[]): string[] {
  /** Times of `expected` by their second. */
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
