/** The files of a new push application, by their paths. */

import { packageOf, type ThisPackage } from './package-json.js';
import type { Project } from './project.js';
import { samplesOf } from './samples.js';
import { readmeOf, sourceOf, testOf } from './templates.js';

export function filesOf(project: Project, thisPackage: ThisPackage): Record<string, string | Uint8Array> {
  const typescript = project.language === 'ts';
  return {
    'package.json': json(packageOf(project, thisPackage)),
    [`src/index.${project.language}`]: sourceOf(project),
    [`src/index.test.${project.language}`]: testOf(project),
    ...Object.fromEntries(samplesOf(project).map(({ path, content }) => [path, content])),
    'README.md': readmeOf(project),
    '.gitignore': ['node_modules/', ...(typescript ? ['dist/'] : []), '*.tgz', ''].join('\n'),
    ...(typescript && { 'tsconfig.json': json(TSCONFIG) }),
  };
}

/** For editors and `sip-push build`. */
const TSCONFIG = {
  compilerOptions: {
    target: 'ES2022',
    lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.AsyncIterable'],
    module: 'NodeNext',
    types: ['node'],
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
