/** What pages say of options, settings, scripts and files is what there is; test/e2e/readme.test.ts runs their commands. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../infra/aws/read-settings.ts';
import { type CommandName, commandNames, commands } from '../../infra/local/command-table.ts';

const root = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

const optionsOf = (text: string): string[] => text.match(/(?<=[\s[(])--[a-z][a-z-]*/g) ?? [];

/** Lines like `explain FILE… [--at TIME]`, and commands of rootspan in blocks. */
const callsOf = (page: string) =>
  [...page.matchAll(/`([^`\n]+)`|^ {4,}(?:\$ |npm run -s )?(rootspan .*)$/gm)].flatMap((match) => {
    const words = (match[1] ?? match[2]!)
      .replace(/^(?:npm run -s )?rootspan (?:-- )?/, '')
      .replace(/\s#\s.*$/, '');
    const name = commandNames.find((command) => words.startsWith(`${command} `));
    return name === undefined ? [] : [{ name, options: optionsOf(words) }];
  });

describe('options', () => {
  const calls = callsOf(readme);

  it('are shown of most commands', () => {
    expect(new Set(calls.map(({ name }) => name)).size).toBeGreaterThanOrEqual(5);
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

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };

describe.each(globSync('{*.md,{docs,infra,test}/**/*.md}', { cwd: root }).sort())('%s', (page) => {
  const text = readFileSync(join(root, page), 'utf8');

  it('links to files that there are', () => {
    const prose = text.replace(/^```[\s\S]*?^```/gm, '');
    const links = [...prose.matchAll(/\[[^\]\n]+\]\((?!https?:|mailto:|#)([^)#\s]+)/g)].map(
      ([, link]) => link!,
    );
    expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
  });

  it('shows options that commands have', () => {
    const unknown = callsOf(text).flatMap(({ name, options }) =>
      options
        .filter((option) => !Object.hasOwn(commands[name].options, option.slice(2)))
        .map((option) => `${name} ${option}`),
    );
    expect(unknown).toEqual([]);
  });

  it('names scripts and files that there are', () => {
    const run = [...text.matchAll(/\bnpm run (?:-s )?([\w:-]+)/g)].map(([, script]) => script!);
    expect(run.filter((script) => !Object.hasOwn(scripts, script))).toEqual([]);
    const named = [...text.matchAll(/`(?:npx )?(?:node )?((?:docs|functions|infra|shared|test)\/[\w./-]+)/g)];
    expect(named.map(([, file]) => file!).filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });
});
