/** The code blocks of a Markdown page, in order. */

export interface CodeBlock {
  /** Behind the fence: `sh`, `ts`, `json`; empty where nothing says. */
  readonly language: string;
  /** Behind the language: the file that it is, ```` ```json bob.json ````. */
  readonly file?: string;
  readonly text: string;
  /** Of the fence, counted from 1. */
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
      const { file, lines, ...block } = open;
      blocks.push({ ...block, text: `${lines.join('\n')}\n`, ...(file ? { file } : {}) });
      open = undefined;
      continue;
    }
    const [language = '', file] = (fence[1] ?? '').trim().split(/\s+/);
    open = { language, file, line: index + 1, lines: [] };
  }
  if (open) throw new Error(`the block at line ${open.line} has no end`);
  return blocks;
}

/** The commands of a block for a shell, with lines that go on joined, and without comments. */
export function commandsOf({ text }: CodeBlock): string[] {
  return text
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/\s+#\s.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
