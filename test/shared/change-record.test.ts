/** What is told of every change that was ever recorded keeps to the schema that others read. */
import { describe, expect, it } from 'vitest';
import { explain, explainClusters } from '../../infra/local/explain.ts';
import { type ChangeRecord, recordOfEnd, recordOfStall, recordOutcomes } from '../../shared/change-record.ts';
import type { Span } from '../../shared/span.ts';
import { checkTraceUrl } from '../../shared/trace-url.ts';
import { faultsOf, schemaOutcomes } from '../check-record.ts';
import { inCluster } from '../other-clusters.ts';
import { readRecording, recorded } from '../read-recordings.ts';

const since = 1_795_410_000n * 1_000_000_000n;
const recordsOf = (spans: readonly Span[]): ChangeRecord[] =>
  spans.flatMap((span) => recordOfEnd(span) ?? []);

describe('records keep to the schema', () => {
  it.each(recorded)('$file', async ({ read }) => {
    const spans = explain(await read());
    const records = recordsOf(spans);
    expect(records.flatMap(faultsOf)).toEqual([]);
    const changes = spans.filter(
      ({ parentSpanId, attributes }) =>
        parentSpanId === null && attributes['rootspan.change.outcome'] !== undefined,
    );
    expect(records).toHaveLength(changes.length);
    expect(new Set(records.map(({ id }) => id)).size).toBe(records.length);
  });

  it('it knows the same outcomes', () => expect(schemaOutcomes).toEqual(recordOutcomes));

  it('of what stands still and of releases as well', async () => {
    const recording = await readRecording('bad-image.jsonl');
    const clusters = ['eu-1', 'eu-2'].map((name) => inCluster(recording, { name, release: 'shop-42' }));
    const spans = explainClusters(clusters);
    const stuck = spans.filter(({ attributes }) => attributes['error.type'] === 'ErrImagePull');
    const stalled = stuck
      .filter(({ name }) => name === 'Deployment.Update')
      .map((span) => recordOfStall(span, { since }));
    const ended = recordsOf(spans);
    expect(stalled.length).toBeGreaterThan(0);
    expect(ended.map(({ kind }) => kind)).toContain('release-ended');
    expect([...stalled, ...ended].flatMap(faultsOf)).toEqual([]);
  });

  it('which finds what does not', () => {
    const release = { version: 1, kind: 'release-ended', id: 'x', time: 'now', outcome: 'fine' };
    expect(faultsOf(release)).toEqual(
      expect.arrayContaining([
        " must have required property 'trace'",
        " must have required property 'release'",
        '/outcome must be equal to one of the allowed values',
      ]),
    );
  });
});

describe('a record', () => {
  it('tells what changed, who changed it, how it ended, why, and where the time went', async () => {
    const spans = explain(await readRecording('bad-image.jsonl'));
    const root = spans.find(({ attributes }) => attributes['error.type'] === 'ErrImagePull')!;
    const traceUrl = 'https://grafana.test/explore?trace={traceId}&from={start}&to={end}';
    expect(recordOfEnd(root, { traceUrl })).toMatchInlineSnapshot(`
      {
        "by": {
          "manager": "kubectl-client-side-apply",
          "operation": "Update",
        },
        "cause": {
          "message": "Pod web-76448cd49f-hfq55, container app: ErrImagePull: Failed to pull image "registry.test/tiny:missing-1": rpc error: code = NotFound desc = failed to pull and unpack image "registry.test/tiny:missing-1": failed to resolve reference "registry.test/tiny:missing-1": registry.test/tiny:missing-1: not…",
          "type": "ErrImagePull",
        },
        "change": {
          "fields": [
            "spec.template.spec.containers[app].image",
          ],
          "generation": 2,
          "images": [
            "registry.test/tiny:missing-1",
          ],
          "summary": "image app tiny:bad-image-v1 → tiny:missing-1",
          "verb": "Update",
        },
        "duration": 171.577526,
        "id": "7ae12d847465e62eed8290469f062528",
        "kind": "ended",
        "object": {
          "apiVersion": "apps/v1",
          "kind": "Deployment",
          "name": "web",
          "namespace": "s-bad-image",
          "uid": "957fd2d5-f0f1-485c-96ec-ff85f24207c4",
        },
        "outcome": "superseded",
        "phases": {
          "pull": 170.98715,
          "queue": 0.015437,
          "schedule": 0.034598,
          "start": 0.540341,
        },
        "service": {
          "name": "web",
          "namespace": "s-bad-image",
        },
        "startedAt": "2026-11-23T04:52:03.886Z",
        "time": "2026-11-23T04:54:55.464Z",
        "trace": {
          "spanId": "4e501ffc67fb778a",
          "traceId": "6327c9702b835f33d0baef7b7dbe8347",
          "url": "https://grafana.test/explore?trace=6327c9702b835f33d0baef7b7dbe8347&from=1795409523886&to=1795409695464",
        },
        "version": 1,
      }
    `);
  });

  it('has the same id whenever it is told, and another where what stands still does so for another reason', async () => {
    const spans = explain(await readRecording('bad-image.jsonl'));
    const root = spans.find(({ attributes }) => attributes['error.type'] === 'ErrImagePull')!;
    const other = { ...root, attributes: { ...root.attributes, 'error.type': 'FailedScheduling' } };
    const ids = [recordOfEnd(root), recordOfStall(root, { since }), recordOfStall(other, { since })].map(
      (record) => record!.id,
    );
    expect(new Set(ids).size).toBe(3);
    expect(recordOfStall({ ...root, endTimeUnixNano: root.startTimeUnixNano }, { since }).id).toBe(ids[1]);
  });

  it('has a verb where its change began with an Event, too', async () => {
    const verbs = async (file: string) =>
      recordsOf(explain(await readRecording(file))).map(({ change }) => change!.verb);
    expect(await verbs('rollout-canary-promoted-looked-up.jsonl')).toEqual(['Create', 'Update']);
    expect(new Set(await verbs('flux-kustomization.jsonl'))).toEqual(
      new Set(['Create', 'Sync', 'Apply', 'Delete']),
    );
  });

  it('is linked by a template that has to have the trace in it', () => {
    expect(checkTraceUrl('https://x/{traceId}')).toBeUndefined();
    expect(checkTraceUrl('https://x/')).toContain('{traceId}');
    expect(checkTraceUrl('javascript:{traceId}')).toContain('no address');
  });
});
