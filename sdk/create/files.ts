/** The files of a new push application, by their paths. */

import { CONTRACT_VERSION } from '../../core/app/contract/push-app.js';
import { type Project, packageName, sampleType } from './project.js';
import { readmeOf, sourceOf, testOf } from './templates.js';

const SAMPLE = 'samples/hello.txt';

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

function packageOf(project: Project, version: string) {
  const { id, types, language } = project;
  const typescript = language === 'ts';
  return {
    name: packageName(id),
    version: '0.1.0',
    description: `${id}, a push application for sip-push`,
    type: 'module',
    keywords: ['sip-push-app'],
    exports: typescript ? './dist/index.js' : './src/index.js',
    files: [typescript ? 'dist' : 'src', 'samples'],
    scripts: {
      ...(typescript && { build: 'sip-push build', prepack: 'npm run build' }),
      test: typescript ? 'npm run build && node --test' : 'node --test',
      check: typescript ? 'npm run build && sip-push check .' : 'sip-push check .',
      dev: 'sip-push dev .',
    },
    sipPush: {
      contract: `^${CONTRACT_VERSION}`,
      apps: [
        {
          id,
          accepts: types,
          permissions: { fetch: [], storage: 1_048_576 },
          samples: { [sampleType(project)]: [`./${SAMPLE}`] },
        },
      ],
    },
    peerDependencies: { 'sip-push': `^${version}` },
    engines: { node: '>=20' },
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
