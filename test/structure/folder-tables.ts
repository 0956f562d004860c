/** The names in the tables of a Markdown page. */

/** Code spans in the columns with this title, of all tables. Names with a placeholder, such as `plugins/<id>`, are skipped. */
export function columnNames(markdown: string, title: string): string[] {
  const names: string[] = [];
  let column: number | undefined;
  for (const line of markdown.split('\n')) {
    if (!line.startsWith('|')) {
      column = undefined;
      continue;
    }
    const cells = line.split('|').map((cell) => cell.trim());
    column ??= cells.indexOf(title);
    for (const [, name = ''] of (cells[column] ?? '').matchAll(/`([^`<>]+)`/g)) names.push(name);
  }
  return names;
}
