import { expect, it } from 'vitest';
import { readCommands } from './read-commands.ts';

it('what stands in blocks is a command if it begins with a program; what it prints is none', () => {
  const page = `
Type \`npm test\`, or

    npm ci && npm start          # the same
    helm install rootspan chart \\
      --set a='#1' <what the stack says>
    $ rootspan trace deploy/web
    https://tempo.example/trace/7fdc

\`\`\`sh
npx cdk deploy
\`\`\`

1. In a list:

       docker build .
`;
  expect(readCommands(page)).toEqual([
    { line: 4, command: 'npm ci && npm start' },
    { line: 5, command: "helm install rootspan chart --set a='#1' <what the stack says>" },
    { line: 7, command: 'rootspan trace deploy/web' },
    { line: 11, command: 'npx cdk deploy' },
    { line: 16, command: 'docker build .' },
  ]);
});
