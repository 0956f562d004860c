/** The measured values, and their file. */

import { appendFileSync, writeFileSync } from 'node:fs';

/** Values of one process, in bytes. Undefined where the system does not provide one. */
export interface ProcessValues {
  rss: number | undefined;
  heap: number | undefined;
  descriptors: number | undefined;
  disk: number | undefined;
}

export interface Sample {
  /** Since the start of the run. */
  seconds: number;
  /** Pushes so far. */
  submitted: number;
  acknowledged: number;
  /** Pushes in progress. */
  waiting: number;
  processes: Record<string, ProcessValues>;
}

/** A CSV file that has each sample as soon as it is measured. */
export class SampleFile {
  #columns: string[] | undefined;

  constructor(private readonly path: string) {
    writeFileSync(path, '');
  }

  add({ processes, ...counts }: Sample): void {
    const row: Record<string, number | undefined> = { ...counts };
    for (const [name, values] of Object.entries(processes))
      for (const [value, number] of Object.entries(values)) row[`${name} ${value}`] = number;
    if (!this.#columns) {
      this.#columns = Object.keys(row);
      appendFileSync(this.path, `${this.#columns.join(',')}\n`);
    }
    appendFileSync(this.path, `${this.#columns.map((column) => row[column] ?? '').join(',')}\n`);
  }
}
