/** The code blocks of a Markdown page, in order. */

export interface CodeBlock {
  /** The language after the fence, such as `sh`, `ts` or `json`; empty if there is none. */
  readonly language: string;
  /** The file name after the language: ```` ```json bob.json ````. */
  readonly file?: string;
  readonly text: string;
  /** Line of the fence, counted from 1. */
  readonly line: number;
}

export function codeBlocks(page: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { language: string; file: string | undefined; line: number; lines: string[] } | undefined;
  for (const [index, line] of page.split('\n').entries()) {
    const fence = /^\s*```(.*)$/.exec(line);
    if (!fence) {
      open?.lines.push(line);
      continue;
    }
    if (open) {
      const { lines, ...block } = open;
      blocks.push({ ...block, text: `${lines.join('\n')}\n` });
      open = undefined;
      continue;
    }
    const [language = '', file] = (fence[1] ?? '').trim().split(/\s+/);
    open = { language, file, line: index + 1, lines: [] };
  }
  if (open) throw new Error(`the block at line ${open.line} is not closed`);
  return blocks;
}

/** The shell commands of a block, with continuation lines joined and comments removed. */
export function commandsOf({ text }: CodeBlock): string[] {
  return text
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/\s+#\s.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
