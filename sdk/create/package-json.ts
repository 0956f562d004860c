/** The `package.json` of a new push application, with its manifest. */

import { CONTRACT_VERSION } from '../../core/app/contract/push-app.js';
import { type Project, packageName } from './project.js';
import { samplesOf } from './samples.js';

/** For tests and for checks of types. */
const TYPESCRIPT = { '@types/node': '^20.19.0', typescript: '>=5.9' };

/** The version of sip-push that creates a project. */
export interface ThisPackage {
  readonly version: string;
  /** Its tarball, relative to the project, if npm installed it from one. A registry may not have it then. */
  readonly tarball?: string;
}

export function packageOf(project: Project, { version, tarball }: ThisPackage) {
  const { id, types, language } = project;
  const typescript = language === 'ts';
  const folder = typescript ? 'dist' : 'src';
  // The positions of errors are in the sources.
  const runTests = `node ${typescript ? '--enable-source-maps ' : ''}--test ${folder}/index.test.js`;
  return {
    name: packageName(id),
    version: '0.1.0',
    description: `${id}, a push application for sip-push`,
    license: 'MIT',
    type: 'module',
    keywords: ['sip-push-app'],
    exports: `./${folder}/index.js`,
    files: [folder, `!${folder}/*.test.*`, 'samples'],
    scripts: {
      build: 'sip-push build',
      prepack: 'sip-push build --check',
      test: typescript ? `npm run build && ${runTests}` : runTests,
      check: typescript ? 'npm run build && sip-push check .' : 'sip-push check .',
      dev: 'sip-push dev .',
    },
    sipPush: {
      contract: `^${CONTRACT_VERSION}`,
      apps: [
        {
          id,
          accepts: types,
          needs: ['storage', 'log'],
          events: ['received'],
          queries: ['last'],
          permissions: { fetch: [], storage: 1_048_576 },
          samples: Object.fromEntries(samplesOf(project).map(({ type, path }) => [type, [`./${path}`]])),
        },
      ],
    },
    peerDependencies: { 'sip-push': `^${version}` },
    devDependencies: { ...(typescript && TYPESCRIPT), 'sip-push': tarball && `file:${tarball}` },
    engines: { node: '>=20' },
  };
}
