/** The README of a new push application. */

import { type Project, packageName, sampleType } from './project.js';

export function readmeOf(project: Project): string {
  const { id, types, language } = project;
  const name = packageName(id);
  const source = `src/index.${language}`;
  return `# ${name}

\`${id}\`, a push application for [sip-push](https://www.npmjs.com/package/sip-push). It takes ${types.map((type) => `\`${type}\``).join(', ')}.

\`\`\`sh
npm install        # brings sip-push, its one peer
npm test           # ${language === 'ts' ? 'compiles it, and ' : ''}tries it on a device in memory
npm run check      # holds it against the contract, and says what to change
npm run dev        # a network and a device with it: push to it, change it, push again
\`\`\`

| file | what it is |
| --- | --- |
| \`${source}\` | the application: start here |
| \`test/index.test.js\` | its tests, on \`sip-push/testing\` |
| \`samples/\` | content to push with \`npm run dev\` and \`npm run check\` |
| \`package.json\` | \`sipPush\` is its manifest: hosts read it before they run anything of it |

A host has it by the name of the package, once it is installed there: \`"apps": ["${name}"]\`; or by its path. A sender reaches it:

\`\`\`sh
npx sip-push send --config psa.json --to sip:bob@domain.test --app ${id} --type ${sampleType(project)} samples/hello.txt
\`\`\`
`;
}
