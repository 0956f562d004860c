/** The `package.json` of a new push application, with its manifest. */

import { CONTRACT_VERSION } from '../../core/app/contract/push-app.js';
import { type Project, packageName, sampleType } from './project.js';

export const SAMPLE = 'samples/hello.txt';

export function packageOf(project: Project, version: string) {
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
