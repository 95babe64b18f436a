import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Follow } from '../../../functions/forwarder/follow-objects.ts';
import type { Json } from '../../../functions/forwarder/kubernetes/api-server.ts';
import type { WatchSignal } from '../../../functions/forwarder/kubernetes/watch-signal.ts';
import {
  events,
  resourceName,
  type WatchedResource,
  watchedObjects,
} from '../../../functions/forwarder/kubernetes/watched-resources.ts';
import { explain } from '../../../infra/local/explain.ts';
import { clusterOf } from '../../../infra/local/read-recording.ts';
import { readRecording, recordingFiles, recordingPath } from '../../read-recordings.ts';
import { createMemoryCluster } from './memory-cluster.ts';
import { quiet, runInMemory } from './run-in-memory.ts';

interface Entry {
  type: string;
  at?: string;
  receivedAt?: string;
  watch: 'LIST' | 'ADDED' | 'MODIFIED' | 'DELETED';
  event?: Json;
  object?: Json;
}

const read = (file: string): Entry[] =>
  readFileSync(recordingPath(file), 'utf8')
    .split('\n')
    .filter((line) => /^\{"type":"(?:event|object)"/.test(line))
    .map((line) => JSON.parse(line));

/** Each kind of the recording as a watch of its own; kinds that the forwarder does not watch come as extra ones. */
function watchesOf(entries: readonly Entry[]): { follow: Follow; watched: WatchedResource[] } {
  const kinds = new Map<string, WatchedResource>(watchedObjects.map((each) => [each.kind, each]));
  const signals = new Map<string, WatchSignal[]>();
  for (const { event, object, watch, at, receivedAt } of entries) {
    const raw = (event ?? object)!;
    const kind = event === undefined ? String(raw.kind) : 'Event';
    const resource =
      kind === 'Event'
        ? events
        : (kinds.get(kind) ?? {
            apiVersion: String(raw.apiVersion),
            kind,
            resource: `${kind.toLowerCase()}s`,
          });
    if (kind !== 'Event') kinds.set(kind, resource);
    const name = resourceName(resource);
    if (!signals.has(name)) signals.set(name, []);
    const told = { object: raw, receivedAt: (receivedAt ?? at)! };
    signals
      .get(name)!
      .push(watch === 'LIST' ? { type: 'listed', ...told } : { type: 'changed', how: watch, ...told });
  }
  const follow: Follow = async function* (resource, { from, signal }) {
    if (from === undefined) return yield { type: 'list-complete', resourceVersion: '0', receivedAt: '' };
    yield* signals.get(resourceName(resource)) ?? [];
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  };
  return { follow, watched: [...kinds.values()] };
}

describe('a recorded cluster, as its watches told it', () => {
  it.each(recordingFiles.filter((file) => file.endsWith('.jsonl')))(
    '%s arrives as the traces that it explains to',
    async (file) => {
      const { follow, watched } = watchesOf(read(file));
      const checkpoint = Object.fromEntries([...watched, events].map((each) => [resourceName(each), '0']));
      const term = runInMemory(createMemoryCluster(), {
        checkpoint,
        ports: { follow },
        settings: { watched },
      });
      await quiet(200);
      await term.stop();
      const recording = await readRecording(file);
      // Who is whose cluster is told beside the observations.
      const arrived = explain(term.arrived);
      expect(clusterOf(term.arrived)).toEqual(clusterOf(recording));
      expect(arrived).toEqual(explain(recording));
    },
  );
});
