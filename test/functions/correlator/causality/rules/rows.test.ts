import { describe, expect, it } from 'vitest';
import { causeOrder } from '../../../../../functions/correlator/causality/rules/causes.ts';
import type { EventRow } from '../../../../../functions/correlator/causality/rules/event-row.ts';
import { builtInRows, rowsByProject } from '../../../../../functions/correlator/causality/rules/index.ts';

const nameOf = ({ subject, reason }: EventRow) => `${subject}.${reason}`;

const firstFit = (rows: readonly EventRow[], { subject, reason, example }: EventRow) =>
  rows.find(
    (row) => row.subject === subject && row.reason === reason && row.message?.test(example) !== false,
  );

describe.each(Object.entries(rowsByProject))('%s', (_, rows) => {
  it.each(rows.map((row) => [nameOf(row), row.example, row] as const))('%s: %s', (_, example, row) => {
    expect(firstFit(builtInRows, row)).toBe(row);
    expect(row.source).toMatch(/\S/);
    const groups = row.message?.exec(example)?.groups ?? {};
    if (row.effect === undefined) {
      expect([row.target, row.controls]).toEqual([undefined, undefined]);
      expect(Object.keys(groups).filter((group) => group !== 'revision' && group !== 'ref')).toEqual([]);
    } else if (row.target === 'message') {
      expect(groups.kind).toMatch(/^[A-Z]/);
    }
    if (row.target === 'message' || /^[A-Z]/.test(row.target ?? '')) expect(groups.name).toMatch(/\S/);
    if (row.effect === 'scales' || row.effect === 'rescales') expect(groups.to).toMatch(/^\d+$/);
    if (row.turn !== undefined && row.subject !== 'Node') expect(row.direction).toBe('none');
  });
});

it('says nothing twice', () => {
  const said = builtInRows.map((row) => `${nameOf(row)} ${row.message?.source}`);
  expect(said.filter((each, i) => said.indexOf(each) !== i)).toEqual([]);
});

it('has a place for each cause, once, and none for what no row names', () => {
  const ofStatuses = ['OOMKilled', 'Error', 'ProgressDeadlineExceeded'];
  const causes = new Set([...ofStatuses, ...builtInRows.flatMap(({ cause }) => cause ?? [])]);
  expect([...causeOrder].sort()).toEqual([...causes].sort());
});

/** What a pattern that tries again and again takes seconds for: each letter of its example, and each word, very often. */
function* lengthened(example: string): Generator<string> {
  for (const [i, letter] of [...example].entries()) {
    yield example.slice(0, i) + letter.repeat(50_000) + example.slice(i);
  }
  const words = example.split(' ');
  for (const i of words.keys()) {
    yield [...words.slice(0, i), ...Array(20_000).fill(words[i]), ...words.slice(i), '\n'].join(' ');
  }
}

it.each(
  builtInRows.flatMap(({ message, example }) => (message === undefined ? [] : [[message, example] as const])),
)('%s never takes long', (message, example) => {
  for (const text of lengthened(example)) {
    const began = performance.now();
    message.test(text);
    message.test(`${text}\n\n`);
    expect(performance.now() - began, text.slice(0, 200)).toBeLessThan(1000);
  }
});

describe('rows read', () => {
  const groupsOf = (subject: string, reason: string, message: string) => {
    const row = builtInRows.find(
      (row) => row.subject === subject && row.reason === reason && row.message?.test(message) !== false,
    );
    return { ...row?.message?.exec(message)?.groups };
  };
  const rowOf = (subject: string, reason: string, message: string) =>
    builtInRows.find(
      (row) => row.subject === subject && row.reason === reason && row.message?.test(message) !== false,
    );

  it('how many a scaling adopts, in the words of every release', () => {
    const scaling = (message: string) => groupsOf('Deployment', 'ScalingReplicaSet', message);
    expect(scaling('Scaled up replica set web-1 from 0 to 3')).toEqual({
      way: 'up',
      name: 'web-1',
      from: '0',
      to: '3',
    });
    expect(scaling('Scaled down replica set web-1 to 2 from 3')).toEqual({
      way: 'down',
      name: 'web-1',
      from: '3',
      to: '2',
    });
    expect(scaling('Scaled up replica set web-1 to 3')).toEqual({ way: 'up', name: 'web-1', to: '3' });
  });

  it('both spellings of the StatefulSet controller', () => {
    const created = (message: string) => groupsOf('StatefulSet', 'SuccessfulCreate', message).name;
    expect(created('create Pod db-0 in StatefulSet db successful')).toBe('db-0');
    expect(created('Create Pod db-0 in StatefulSet db successful')).toBe('db-0');
  });

  it('what Argo CD syncs, whoever asked for it', () => {
    const started = (message: string) => groupsOf('Application', 'OperationStarted', message);
    const sha = '53e28ff20cc530b9ada2173fbbd64d48338583ba';
    expect(started(`Initiated automated sync to '${sha}'`)).toEqual({ revision: sha });
    expect(started(`Initiated automated sync to '${sha}, 1.2.3'`)).toEqual({ revision: sha });
    expect(started(`ada initiated sync to HEAD (${sha})`)).toEqual({ ref: 'HEAD', revision: sha });
    expect(started(`Unknown user initiated partial sync to ${sha}`)).toEqual({ revision: sha });
    expect(started('ada initiated sync locally')).toEqual({});
  });

  it('a kind with its group and version before it', () => {
    const scaled = (message: string) => groupsOf('ScaledObject', 'KEDAScaleTargetActivated', message).kind;
    expect(scaled('Scaled apps/v1.Deployment shop/web from 0 to 1')).toBe('Deployment');
    expect(
      scaled(
        'Scaled argoproj.io/v1alpha1.Rollout shop/web from 0 to 1, caused by forced activation annotation',
      ),
    ).toBe('Rollout');
  });

  it('a change set line by line', () => {
    const applied = (line: string) => groupsOf('Kustomization', 'Progressing', line);
    expect(applied('Namespace/shop created')).toEqual({ kind: 'Namespace', name: 'shop' });
    expect(applied('ClusterRole/system:web deleted')).toEqual({ kind: 'ClusterRole', name: 'system:web' });
    expect(rowOf('Kustomization', 'Progressing', 'Health check passed in 1s')).toBeUndefined();
  });

  it('a restart, which is no tear-down', () => {
    const killing = (message: string) => rowOf('Pod', 'Killing', message)?.direction;
    expect(killing('Container app failed liveness probe, will be restarted')).toBe('start-up');
    expect(killing('Container app definition changed, will be restarted')).toBe('start-up');
    expect(killing('FailedPostStartHook')).toBe('start-up');
    expect(killing('Stopping container app')).toBe('tear-down');
  });

  it('the kubelet’s Starting, and not the kube-proxy’s', () => {
    expect(rowOf('Node', 'Starting', 'Starting kubelet.')?.turn).toBe('booting');
    expect(rowOf('Node', 'Starting', '')).toBeUndefined();
  });

  it('a phase of a container, and not what goes by its name elsewhere', () => {
    expect(rowOf('Pod', 'Created', 'Created container: app')?.phase).toBe(true);
    expect(rowOf('ExternalSecret', 'Created', 'secret created')).toBeUndefined();
  });

  it('who evicts', () => {
    const disruption = (message: string) => rowOf('Pod', 'Evicted', message)?.disruption;
    expect(disruption('Evicted pod: Drifted')).toBe('evicted-by-api');
    expect(disruption('Evicted pod')).toBe('evicted-by-api');
    expect(disruption('The node was low on resource: ephemeral-storage.')).toBe('stopped-by-kubelet');
    expect(disruption('somebody else did it')).toBeUndefined();
  });
});
