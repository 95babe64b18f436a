import { expect, it } from 'vitest';
import { releaseNotes } from '../../../infra/release/release-notes.ts';

const changelog =
  '# Changes\n\n## 1.2.0 · 2026-12-01\n\n* A thing.\n\n### Upgrading\n\nFirst the stack.\n\n## 1.1.0\n\n* Old.\n';

it('a release says what changed, and what was published by its digest', () => {
  expect(
    releaseNotes(
      '1.2.0',
      changelog,
      'r.example/rootspan/forwarder@sha256:1',
      'r.example/rootspan/rootspan@sha256:2',
    ),
  ).toBe(`* A thing.

### Upgrading

First the stack.

## What was published

* the package \`rootspan@1.2.0\`
* the chart \`r.example/rootspan/rootspan@sha256:2\`
* the image \`r.example/rootspan/forwarder@sha256:1\`; \`--set image.digest=sha256:1\` pins it
`);
});

it('a version that nothing is said of is none', () => {
  expect(() => releaseNotes('1.3.0', changelog, 'i@sha256:1', 'c@sha256:2')).toThrow(
    'nothing under "## 1.3.0"',
  );
});
