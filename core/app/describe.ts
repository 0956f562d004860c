/** A push in words for people: the application's own, or what anyone can see of it. */

import type { Application } from './application.js';
import type { Clock } from './clock.js';
import type { Push, PushDescription } from './contract.js';
import { invoke, within } from './deadline.js';
import { DESCRIBE_WITHIN } from './limits.js';

/** Characters of a title or a field, and of the text; a page shows them. */
const MAX_LINE = 200;
const MAX_TEXT = 10_000;
const MAX_FIELDS = 50;

/** Never rejects: an application that throws, takes too long or says nonsense is answered for. */
export async function describePush(
  push: Push,
  app: Application | undefined,
  clock: Clock,
): Promise<PushDescription> {
  try {
    if (!app) return fallback(push);
    const described = invoke(() => app.instance.describe?.(push));
    return tidy(await within(clock, DESCRIBE_WITHIN, 'describe()', described)) ?? fallback(push);
  } catch {
    return fallback(push);
  }
}

function tidy(described: PushDescription | undefined): PushDescription | undefined {
  if (typeof described?.title !== 'string' || described.title === '') return undefined;
  const { title, text, fields } = described;
  const entries = Object.entries(fields ?? {}).slice(0, MAX_FIELDS);
  return {
    title: title.slice(0, MAX_LINE),
    ...(typeof text === 'string' ? { text: text.slice(0, MAX_TEXT) } : {}),
    ...(entries.length > 0
      ? {
          fields: Object.fromEntries(
            entries.map(([name, value]) => [name, String(value).slice(0, MAX_LINE)]),
          ),
        }
      : {}),
  };
}

function fallback({ app, from, to, content, fileName }: Push): PushDescription {
  const size = content.size === undefined ? '' : `, ${content.size} bytes`;
  return {
    title: `Push for ${app}`,
    text: `${content.type.type}${size}`,
    fields: { from, to, ...(fileName === undefined ? {} : { file: fileName }) },
  };
}
