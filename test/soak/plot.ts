/** Draws samples as SVG, in colors that are readable on a light and on a dark background. */

import { type Measure, median } from './flatness.js';
import type { Sample } from './samples.js';

const WIDTH = 820;
const PANEL = 120;
const GAP = 44;
const LEFT = 64;
const RIGHT = 16;
const TOP = 76;
/** Marks of the axis of time, in minutes. */
const TICKS = 6;
/** Points of a line. More samples are reduced to medians. */
const POINTS = 240;
const TEXT = '#768390';
const COLORS = ['#2f81f7', '#d2741b', '#2da44e'];
const MIB = 1024 * 1024;

interface Panel {
  title: string;
  lines: { name: string; values: (number | undefined)[] }[];
}

/** @param title text above the panels. */
export function plot(samples: readonly Sample[], title: string): string {
  const minutes = samples.map(({ seconds }) => seconds / 60);
  const panels = panelsOf(samples);
  const names = Object.keys(samples[0]?.processes ?? {});
  const height = TOP + panels.length * (PANEL + GAP);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`,
    ` role="img" font-family="sans-serif" font-size="12" fill="${TEXT}">`,
    `<title>${escaped(title)}</title>`,
    `<text x="${LEFT}" y="18" font-size="14">${escaped(title)}</text>`,
    ...names.map((name, index) => {
      const x = LEFT + index * 100;
      const color = colorOf(names, name);
      return `<path d="M${x} 34h18" stroke="${color}" stroke-width="3"/><text x="${x + 24}" y="38">${escaped(name)}</text>`;
    }),
    ...panels.map((panel, index) => panelOf(panel, minutes, TOP + index * (PANEL + GAP), names)),
    '</svg>\n',
  ].join('\n');
}

function panelsOf(samples: readonly Sample[]): Panel[] {
  const names = Object.keys(samples[0]?.processes ?? {});
  const panel = (title: string, value: Measure, unit: number): Panel => {
    const lines = names.map((name) => ({
      name,
      values: samples.map(({ processes }) => {
        const number = processes[name]?.[value];
        return number === undefined ? undefined : number / unit;
      }),
    }));
    return { title, lines: lines.filter(({ values }) => values.some((each) => each !== undefined)) };
  };
  const rates = samples.map(({ acknowledged, seconds }, index) => {
    const before = samples[index - 1];
    return before && (acknowledged - before.acknowledged) / (seconds - before.seconds);
  });
  return [
    panel('resident memory, MiB', 'rss', MIB),
    panel('JavaScript heap in use, MiB', 'heap', MIB),
    panel('descriptors', 'descriptors', 1),
    panel('disk, MiB', 'disk', MIB),
    { title: 'acknowledged pushes a second, over minutes', lines: [{ name: '', values: rates }] },
  ].filter(({ lines }) => lines.length > 0);
}

function panelOf({ title, lines }: Panel, minutes: readonly number[], top: number, names: string[]): string {
  const most = Math.max(...lines.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const ceiling = roundUp(most);
  const end = Math.max(minutes.at(-1) ?? 0, Number.EPSILON);
  const x = (minute: number) => LEFT + (minute / end) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => top + PANEL - (value / ceiling) * PANEL;
  const parts = [`<text x="${LEFT}" y="${top - 6}">${escaped(title)}</text>`];
  for (const part of [0, 0.5, 1]) {
    const at = y(ceiling * part);
    parts.push(`<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" stroke="${TEXT}" stroke-opacity="0.35"/>`);
    parts.push(`<text x="${LEFT - 8}" y="${at + 4}" text-anchor="end">${short(ceiling * part)}</text>`);
  }
  const step = roundUp(end / TICKS);
  for (let minute = 0; minute <= end; minute += step) {
    const at = `x="${short(x(minute))}" y="${top + PANEL + 16}"`;
    parts.push(`<text ${at} text-anchor="middle">${Number(minute.toPrecision(3))}</text>`);
  }
  for (const { name, values } of lines) {
    const points = reduced(minutes, values).map(
      ([minute, value]) => `${short(x(minute))} ${short(y(value))}`,
    );
    if (points.length === 0) continue;
    const color = colorOf(names, name);
    parts.push(`<path d="M${points.join('L')}" fill="none" stroke="${color}" stroke-width="1.5"/>`);
  }
  return parts.join('\n');
}

/** Medians of neighboring samples, so that a plot of an hour is small. */
function reduced(minutes: readonly number[], values: readonly (number | undefined)[]): [number, number][] {
  const size = Math.max(1, Math.ceil(values.length / POINTS));
  const points: [number, number][] = [];
  for (let from = 0; from < values.length; from += size) {
    const minute = median(minutes.slice(from, from + size));
    const value = median(values.slice(from, from + size));
    if (minute !== undefined && value !== undefined) points.push([minute, value]);
  }
  return points;
}

/** The next 1, 2, 3, 4, 5, 6 or 8 times a power of ten. */
function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 3, 4, 5, 6, 8, 10].find((each) => each * power >= value) ?? 10;
  return step * power;
}

const short = (value: number): string => String(Number(value.toFixed(1)));

function colorOf(names: readonly string[], name: string): string {
  const index = names.indexOf(name);
  return index < 0 ? TEXT : (COLORS[index % COLORS.length] ?? TEXT);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
