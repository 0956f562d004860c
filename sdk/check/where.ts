/** Which line of an application something was at. */

import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const FRAME = /\(?((?:file:\/\/|\/|[A-Za-z]:\\)[^()\s]+):(\d+):(\d+)\)?$/;

/** A place in a file. */
export interface Place {
  path: string;
  line: number;
}

/** Of a stack trace, the call that came last first; frames of Node.js itself are none. */
export function placesOf(stack: string): Place[] {
  return stack.split('\n').flatMap((line) => {
    const [, at = '', number = '0'] = FRAME.exec(line.trim()) ?? [];
    if (at === '' || at.startsWith('node:')) return [];
    return [{ path: at.startsWith('file://') ? fileURLToPath(at) : at, line: Number(number) }];
  });
}

/** `dist/index.js:12` of what was thrown, where the folder's code is in its stack. */
export function whereOf(error: unknown, folder: string): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const place = placesOf(stack).find((each) => isIn(each, folder));
  return place && placeText(place, folder);
}

/** Whether it is code of the folder itself, and not of a package installed there. */
export function isIn({ path }: Place, folder: string): boolean {
  return path.startsWith(`${folder}/`) && !path.slice(folder.length).includes('/node_modules/');
}

export function placeText({ path, line }: Place, folder: string): string {
  return `${relative(folder, path)}:${line}`;
}
