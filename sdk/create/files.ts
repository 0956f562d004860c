/** The files of a new push application, by their paths. */

import { packageOf, SAMPLE } from './package-json.js';
import type { Project } from './project.js';
import { readmeOf, sourceOf, testOf } from './templates.js';

/** @param version version of sip-push that creates the project. */
export function filesOf(project: Project, version: string): Record<string, string> {
  const typescript = project.language === 'ts';
  return {
    'package.json': json(packageOf(project, version)),
    [`src/index.${project.language}`]: sourceOf(project),
    'test/index.test.js': testOf(project),
    [SAMPLE]: 'hello\n',
    'README.md': readmeOf(project),
    '.gitignore': ['node_modules/', ...(typescript ? ['dist/'] : []), '*.tgz', ''].join('\n'),
    ...(typescript && { 'tsconfig.json': json(TSCONFIG) }),
  };
}

/** For editors and `tsc`. `sip-push build` does not read it. */
const TSCONFIG = {
  compilerOptions: {
    target: 'ES2022',
    lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.AsyncIterable'],
    module: 'NodeNext',
    strict: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    isolatedModules: true,
    skipLibCheck: true,
    noEmit: true,
  },
  include: ['src'],
};

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
