import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { nameImage } from '../../../infra/release/name-image.ts';

const values = readFileSync(
  resolve(import.meta.dirname, '../../../infra/kubernetes/chart/values.yaml'),
  'utf8',
);

it('the chart of a release names its image, and is otherwise the one of the checkout', () => {
  const named = nameImage(values, 'registry.example:5000/rootspan/forwarder');
  const before = parse(values);
  expect(parse(named)).toEqual({
    ...before,
    image: { ...before.image, repository: 'registry.example:5000/rootspan/forwarder' },
  });
  expect(() => nameImage(named, 'registry.example/rootspan/forwarder')).toThrow('names an image already');
});

it.each(['/rootspan/forwarder', 'registry.example/forwarder:1', 'registry.example/f@sha256:0', ''])(
  'is no name of an image: %j',
  (name) => expect(() => nameImage(values, name)).toThrow('should be REGISTRY/PATH'),
);
