/** Parses a command line that sends a push: `session @film.mp4`, `pager text/plain hello`. */

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type MediaType, memoryContent } from '../../core/content/content.js';
import { formatMediaType, parseMediaType } from '../../core/content/media-type.js';
import { ConfigurationError } from '../../core/errors.js';
import type { PushModeChoice, PushRequest } from '../../core/sender/push-request.js';
import { reasonOf } from '../../core/text.js';
import type { PackageApplication } from '../manifest/package-manifest.js';

const MODES: readonly PushModeChoice[] = ['auto', 'pager', 'session', 'indirect'];

export const PUSH_HELP = `  (empty line)               push the first sample, in automatic mode
  pager, session, indirect   push in this mode
  … text/plain               as this media type
  … @FILE                    push a file in the application's folder
  … any text                 push this text
With several applications, begin with an id: weather.ua session @rain.txt`;

/**
 * Whether a line is a query such as `weather.ua forecast`: an application id, then nothing that describes a push.
 * @param ids ids of all loaded applications.
 */
export function isQuery(line: string, ids: readonly string[]): boolean {
  const [first = '', second] = line.trim().split(/\s+/, 2);
  if (second === undefined || !ids.includes(first)) return false;
  return modeOf(second) === undefined && typeOf(second) === undefined && !second.startsWith('@');
}

/** A push, and its description for users. */
export interface PushLine {
  push: PushRequest;
  title: string;
}

/**
 * @param apps loaded applications; the first is the default.
 * @throws ConfigurationError naming what is missing.
 */
export async function readPushLine(
  line: string,
  apps: readonly PackageApplication[],
  folder: string,
  to: string,
): Promise<PushLine> {
  let rest = line.trim();
  const word = <Value>(find: (word: string) => Value | undefined): Value | undefined => {
    const [first = ''] = rest.split(/\s+/, 1);
    const found = first === '' ? undefined : find(first);
    if (found !== undefined) rest = rest.slice(first.length).trim();
    return found;
  };
  const app = word((id) => apps.find((each) => each.id === id)) ?? apps[0];
  if (!app) throw new ConfigurationError('no application is loaded: check "sipPush.apps" in package.json');
  const mode = word(modeOf) ?? 'auto';
  const requestedType = word(typeOf);
  const { octets, fileName, type } = await contentOf(rest, requestedType, app, folder);
  const title = `${fileName ?? `${octets.length} bytes`} as ${formatMediaType(type)} to ${app.id}`;
  const message = memoryContent(type, octets);
  const addressed = { to, app: app.id, iari: app.iari, mode };
  if (mode === 'session') {
    return {
      title,
      push: { ...addressed, files: [{ content: message, name: fileName }] },
    };
  }
  return { title, push: { ...addressed, content: message } };
}

function modeOf(word: string): PushModeChoice | undefined {
  return MODES.find((known) => known === word);
}

function typeOf(word: string): MediaType | undefined {
  return /^[a-z]+\/\S+$/.test(word) ? parseMediaType(word) : undefined;
}

async function contentOf(rest: string, type: MediaType | undefined, app: PackageApplication, folder: string) {
  if (rest === '') {
    const [sample] = samplesOf(app);
    if (!sample) {
      throw new ConfigurationError(
        `${app.id} has no "samples" in package.json: push text, or a file with pager @FILE`,
      );
    }
    return { ...(await fileOf(sample.file)), type: type ?? sample.type };
  }
  const declared = type ?? firstType(app);
  if (rest.startsWith('@')) return { ...(await fileOf(resolve(folder, rest.slice(1)))), type: declared };
  return { octets: new TextEncoder().encode(rest), fileName: undefined, type: declared };
}

/** The sample files of an application with their media types. */
function samplesOf({ samples }: PackageApplication): { file: string; type: MediaType }[] {
  return Object.entries(samples).flatMap(([text, files]) => {
    const type = parseMediaType(text);
    return type ? files.map((file) => ({ file, type })) : [];
  });
}

function firstType({ accepts }: PackageApplication): MediaType {
  const concrete = accepts.find((type) => !type.includes('*')) ?? 'application/octet-stream';
  return parseMediaType(concrete) ?? { type: concrete, parameters: {} };
}

async function fileOf(file: string) {
  try {
    return { octets: new Uint8Array(await readFile(file)), fileName: file.split(/[\\/]/).at(-1) };
  } catch (error) {
    throw new ConfigurationError(`cannot read ${file}: ${reasonOf(error)}`, { cause: error });
  }
}
