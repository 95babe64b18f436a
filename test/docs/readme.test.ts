/** What the README says of options and settings is what there is; test/e2e/readme.test.ts runs its commands. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../infra/aws/read-settings.ts';
import { type CommandName, commandNames, commands } from '../../infra/local/command-table.ts';

const root = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

const optionsOf = (text: string): string[] => text.match(/(?<=[\s[(])--[a-z][a-z-]*/g) ?? [];

/** Lines like `explain FILE… [--at TIME]`, and commands of rootspan in blocks. */
const calls = [...readme.matchAll(/`([^`\n]+)`|^ {4,}(?:\$ |npm run -s )?(rootspan .*)$/gm)].flatMap(
  (match) => {
    const words = (match[1] ?? match[2]!).replace(/^rootspan (?:-- )?/, '').replace(/\s#\s.*$/, '');
    const name = commandNames.find((command) => words.startsWith(`${command} `));
    return name === undefined ? [] : [{ name, options: optionsOf(words) }];
  },
);

describe('options', () => {
  it('each that is shown is one of that command', () => {
    expect(new Set(calls.map(({ name }) => name)).size).toBeGreaterThanOrEqual(5);
    const unknown = calls.flatMap(({ name, options }) =>
      options
        .filter((option) => !Object.hasOwn(commands[name].options, option.slice(2)))
        .map((o) => `${name} ${o}`),
    );
    expect(unknown).toEqual([]);
  });

  it('each that the commands for recordings have is shown', () => {
    const missing = (['explain', 'start', 'trace', 'simulate'] satisfies CommandName[]).flatMap((name) => {
      const shown = new Set(calls.filter((call) => call.name === name).flatMap(({ options }) => options));
      // Those that say which cluster are told of once, for all.
      const told = ['help', 'context', 'kubeconfig', 'namespace'];
      const all = Object.keys(commands[name].options).filter((option) => !told.includes(option));
      return all.filter((option) => !shown.has(`--${option}`)).map((option) => `${name} --${option}`);
    });
    expect(missing).toEqual([]);
  });
});

it('the settings of its example are settings', () => {
  const block = /^ {4}"rootspan": \{\n(?: {4}.*\n)+/m.exec(readme)![0];
  const { rootspan } = JSON.parse(`{${block}}`) as { rootspan: object };
  expect(Object.keys(readSettings(rootspan).clusters)).toEqual(['prod', 'stage', 'edge']);
});

it.each([
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs/ARCHITECTURE.md',
  'docs/backends/README.md',
  'docs/operate.md',
  'docs/releases.md',
  'docs/rules.md',
  'infra/aws/README.md',
  'infra/kubernetes/README.md',
])('the files that %s links to are there', (page) => {
  const text = readFileSync(join(root, page), 'utf8');
  const links = [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)].map(([, link]) => link!);
  expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
});
