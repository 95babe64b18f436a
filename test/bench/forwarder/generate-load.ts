/**
 * What a cluster writes while its Deployments are rolled out, at a rate of one's choice: a rolling update of three pods,
 * recorded line by line from a real control plane and kubelets (`rollout.jsonl`), again and again under other names, UIDs,
 * versions and times. With it go what the recording lacks: an owner above the Deployment and a claim, of kinds that are
 * not watched; an Event that repeats; Events that expire.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Json } from '../../../functions/forwarder/kubernetes/api-server.ts';
import {
  events,
  type WatchedResource,
  watchedObjects,
} from '../../../functions/forwarder/kubernetes/watched-resources.ts';
import type {
  FakeApiServer,
  FakeResource,
  ObjectKey,
} from '../../functions/forwarder/kubernetes/fake-api-server.ts';
import { writeEventUid } from './event-uid.ts';

export const applications: FakeResource = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Application',
  resource: 'applications',
};
export const claims: FakeResource = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  resource: 'persistentvolumeclaims',
};

export interface LoadSettings {
  /** The number at which the population of pods stays, but for those that a rollout has more. */
  pods: number;
  /** Old ReplicaSets that a Deployment keeps; Kubernetes' default is 10. */
  history: number;
  /** Milliseconds after which an Event expires; Kubernetes' default is an hour. */
  eventTtl: number;
}

export interface Load {
  /** Events a second from now on; 0: what has begun goes on to its end. */
  setRate(eventsPerSecond: number): void;
  /** Occurrences so far. */
  made(): number;
  /** Rollouts that are under way. */
  active(): number;
  stop(): void;
}

/** An Event of the recording, and what is added to a rollout on average. */
const eventsOfRollout = 27 + 2 + 3 / 4;
const tick = 10;

export function startLoad(server: FakeApiServer, settings: LoadSettings): Load {
  const recording = readRecording();
  const resources = new Map([...watchedObjects, events].map((resource) => [resource.kind, resource]));
  const nodes = Math.max(3, Math.ceil(settings.pods / 30));
  let made = 0;
  const expiring: { at: number; name: string; namespace: string }[] = [];

  const nodeLine = recording.lines.find(({ object }) => object.kind === 'Node')!;
  for (let n = 0; n < nodes; n++) {
    const node = structuredClone(nodeLine.object);
    Object.assign(node.metadata as Json, { name: `node-${n}`, uid: randomUUID() });
    server.apply(resources.get('Node')!, node);
  }

  const write = (app: App, line: RecordedLine, start: number): void => {
    const kind = String(line.object.kind);
    const moment: Moment = { app, start, elapsed: line.at * app.pace, version: '' };
    const key = { namespace: app.namespace, name: line.name(moment) };
    if (line.watch === 'DELETED') {
      server.remove(resources.get(kind)!, key.name, key.namespace);
      return;
    }
    const stored = server.applyText(resources.get(kind)!, key, (version) => {
      moment.version = version;
      return line.write(moment);
    });
    if (kind === 'Event') count(key);
    else app.versions.set(line.version, stored);
  };

  const count = (key: ObjectKey) => {
    made++;
    expiring.push({ at: Date.now() + settings.eventTtl, ...key });
  };

  const tell = (event: Json) => {
    server.apply(events, event);
    if (Number(event.count) > 1) made++;
    else count(event.metadata as unknown as ObjectKey);
  };

  const about = (
    app: App,
    { apiVersion, kind }: WatchedResource,
    uid: string,
    said: Json,
    count = 1,
  ): Json => {
    const now = Date.now();
    const [at, nanoseconds] = [`${new Date(now).toISOString().slice(0, 19)}Z`, BigInt(now) * 1_000_000n];
    return {
      metadata: {
        name: `${app.name}.${nanoseconds.toString(16)}`,
        namespace: app.namespace,
        uid: writeEventUid(now),
        creationTimestamp: at,
      },
      involvedObject: { kind, namespace: app.namespace, name: app.name, uid, apiVersion },
      firstTimestamp: at,
      lastTimestamp: at,
      count,
      type: 'Normal',
      eventTime: null,
      ...said,
    };
  };

  const apps = Array.from({ length: Math.max(1, Math.round(settings.pods / 3)) }, (_, i) => {
    const app = newApp(i, nodes);
    server.apply(applications, applicationOf(app));
    server.apply(claims, claimOf(app));
    for (let old = 0; old < settings.history; old++) {
      app.old = newPods();
      write(app, recording.lastOfOldReplicaSet, Date.now());
      app.replicaSets.push(app.old.hash);
    }
    app.old = newPods();
    for (const line of recording.lines) {
      if (line.watch === 'LIST' && line.object.kind !== 'Node') write(app, line, Date.now());
    }
    return app;
  });

  interface Rollout {
    app: App;
    start: number;
    next: number;
    repeated: Json | undefined;
  }
  const rollouts = new Set<Rollout>();
  const idle = [...apps];
  let rate = 0;
  let due = 0;
  let turn = 0;
  let last = performance.now();
  let heartbeats = 0;

  const begin = () => {
    const app = idle.shift();
    if (app === undefined) return;
    app.next = newPods();
    app.generation++;
    turn++;
    const perSecond = rate / eventsOfRollout;
    // Nobody rolls out anew what is still being rolled out.
    app.pace = Math.min(1, (0.7 * apps.length) / perSecond / (recording.duration / 1000));
    tell(about(app, applications, app.applicationUid, applicationSays('OperationStarted')));
    let repeated: Json | undefined;
    if (turn % 4 === 0) {
      repeated = about(app, claims, app.claimUid, claimSays);
      tell(repeated);
    }
    rollouts.add({ app, start: Date.now(), next: recording.first, repeated });
  };

  const goOn = (rollout: Rollout, now: number) => {
    const { app, start } = rollout;
    const { lines } = recording;
    while (rollout.next < lines.length && start + lines[rollout.next]!.at * app.pace <= now) {
      write(app, lines[rollout.next++]!, start);
    }
    const { repeated } = rollout;
    if (repeated !== undefined && rollout.next > (lines.length * Number(repeated.count)) / 3) {
      rollout.repeated =
        Number(repeated.count) < 3 ? { ...repeated, count: Number(repeated.count) + 1 } : undefined;
      if (rollout.repeated !== undefined) tell(rollout.repeated);
    }
    if (rollout.next < lines.length) return;
    rollouts.delete(rollout);
    tell(about(app, applications, app.applicationUid, applicationSays('OperationCompleted')));
    app.replicaSets.push(app.old.hash);
    if (app.replicaSets.length > settings.history) {
      server.remove(resources.get('ReplicaSet')!, `${app.name}-${app.replicaSets.shift()}`, app.namespace);
    }
    app.old = app.next;
    idle.push(app);
  };

  const timer = setInterval(() => {
    const now = performance.now();
    due += (rate / eventsOfRollout) * ((now - last) / 1000);
    // Of Leases the kubelet's heartbeats are made; a Node is written every five minutes.
    heartbeats += (nodes / 300) * ((now - last) / 1000);
    last = now;
    for (; due >= 1; due--) begin();
    for (; heartbeats >= 1; heartbeats--) {
      const some = server.objects(resources.get('Node')!);
      server.apply(resources.get('Node')!, some[Math.floor(Math.random() * some.length)]!);
    }
    for (const rollout of rollouts) goOn(rollout, Date.now());
    while (expiring[0] !== undefined && expiring[0].at <= Date.now()) {
      const { name, namespace } = expiring.shift()!;
      server.remove(events, name, namespace);
    }
  }, tick);

  return {
    setRate(eventsPerSecond) {
      rate = eventsPerSecond;
    },
    made: () => made,
    active: () => rollouts.size,
    stop: () => clearInterval(timer),
  };
}

interface Pods {
  hash: string;
  uid: string;
  pods: { suffix: string; uid: string }[];
}

interface App {
  name: string;
  namespace: string;
  uid: string;
  applicationUid: string;
  claimUid: string;
  /** Of the three nodes of its pods. */
  node: number;
  nodes: number;
  generation: number;
  old: Pods;
  next: Pods;
  /** Hashes of the ReplicaSets that are history. */
  replicaSets: string[];
  /** By those of the recording. */
  versions: Map<string, string>;
  /** Of the recording's time: 1 is as it was. */
  pace: number;
}

const letters = 'bcdfghjklmnpqrstvwxz2456789';
const suffix = (length: number) =>
  Array.from({ length }, () => letters[Math.floor(Math.random() * letters.length)]).join('');

const newPods = (): Pods => ({
  hash: suffix(10),
  uid: randomUUID(),
  pods: [1, 2, 3].map(() => ({ suffix: suffix(5), uid: randomUUID() })),
});

function newApp(i: number, nodes: number): App {
  return {
    name: `app-${i}`,
    namespace: `team-${i % 20}`,
    uid: randomUUID(),
    applicationUid: randomUUID(),
    claimUid: randomUUID(),
    node: i % nodes,
    nodes,
    generation: 1,
    old: newPods(),
    next: newPods(),
    replicaSets: [],
    versions: new Map(),
    pace: 1,
  };
}

/** The recording goes from generation 1 to 2. */
const generationOf = ({ app }: Moment, recorded: number) => Math.max(1, app.generation - 2 + recorded);

const ownerOf = ({ app }: Moment): string =>
  JSON.stringify([
    {
      apiVersion: applications.apiVersion,
      kind: applications.kind,
      name: app.name,
      uid: app.applicationUid,
      controller: true,
      blockOwnerDeletion: true,
    },
  ]);

const applicationSays = (reason: string): Json => ({
  reason,
  message:
    reason === 'OperationStarted' ? 'admin initiated sync to main' : 'Sync operation to 1f9ac2e succeeded',
  source: { component: 'argocd-application-controller' },
  reportingComponent: 'argocd-application-controller',
  reportingInstance: '',
});

const claimSays: Json = {
  reason: 'ExternalProvisioning',
  message:
    "Waiting for a volume to be created either by the external provisioner 'ebs.csi.aws.com' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
  source: { component: 'persistentvolume-controller' },
  reportingComponent: 'persistentvolume-controller',
  reportingInstance: '',
};

const applicationOf = ({ name, namespace, applicationUid: uid }: App): Json => ({
  metadata: {
    name,
    namespace,
    uid,
    generation: 7,
    managedFields: [
      {
        manager: 'argocd-controller',
        operation: 'Update',
        apiVersion: applications.apiVersion,
        time: '2026-01-05T08:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:status': { '.': {}, 'f:health': {}, 'f:sync': { '.': {}, 'f:revision': {}, 'f:status': {} } },
        },
      },
    ],
  },
  spec: {
    project: 'default',
    destination: { namespace, server: 'https://kubernetes.default.svc' },
    source: { path: name, repoURL: 'https://example.com/deploy.git', targetRevision: 'main' },
    syncPolicy: { automated: { prune: true, selfHeal: true } },
  },
  status: {
    health: { status: 'Healthy' },
    sync: { status: 'Synced', revision: '1f9ac2e0c1b34b8a9d50ee1a1f6d2c9ab7e2f3d4' },
    resources: Array.from({ length: 8 }, (_, i) => ({
      kind: 'Deployment',
      group: 'apps',
      version: 'v1',
      namespace,
      name: `${name}-${i}`,
      status: 'Synced',
      health: { status: 'Healthy' },
    })),
  },
});

const claimOf = ({ name, namespace, claimUid: uid }: App): Json => ({
  metadata: { name, namespace, uid, finalizers: ['kubernetes.io/pvc-protection'] },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '10Gi' } },
    storageClassName: 'gp3',
    volumeMode: 'Filesystem',
  },
  status: { phase: 'Pending' },
});

interface Moment {
  app: App;
  /** Milliseconds since 1970 at which the rollout began, and since then. */
  start: number;
  elapsed: number;
  /** That the object gets. */
  version: string;
}

interface RecordedLine {
  /** Milliseconds since the rollout's beginning. */
  at: number;
  watch: string;
  object: Json;
  /** The object's. */
  version: string;
  /** The object's name and JSON for that app and moment. */
  name: Token;
  write: Token;
}

function readRecording() {
  const raw = readFileSync(new URL('rollout.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  const entries = raw.map((line) => JSON.parse(line) as Json);
  const start = Date.parse(String(entries[0]!.at));
  const objects = entries.map(({ event, object }) => (event ?? object) as Json);
  const tokens = tokensOf(objects);
  const lines = entries.map((entry, i): RecordedLine => {
    const object = objects[i]!;
    const { resourceVersion, name } = object.metadata as { resourceVersion: string; name: string };
    return {
      at: Date.parse(String(entry.at ?? entry.receivedAt)) - start,
      watch: String(entry.watch),
      object,
      version: resourceVersion,
      name: compile(name, tokens, object, start),
      write: compile(JSON.stringify(object), tokens, object, start),
    };
  });
  const { uid } = oldReplicaSet(objects).metadata as Json;
  return {
    lines,
    first: lines.findIndex(({ watch }) => watch !== 'LIST'),
    duration: lines.at(-1)!.at,
    lastOfOldReplicaSet: lines.findLast(({ object }) => (object.metadata as Json).uid === uid)!,
  };
}

const oldReplicaSet = (objects: readonly Json[]) => objects.find(({ kind }) => kind === 'ReplicaSet')!;

type Token = (moment: Moment) => string;

/** What each name and UID of the recording is called. */
function tokensOf(objects: readonly Json[]): Map<string, Token> {
  const tokens = new Map<string, Token>();
  const metadataOf = (kind: string) => {
    const all = objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata as Json);
    return [...new Map(all.map((metadata) => [metadata.uid, metadata])).values()];
  };
  const [deployment] = metadataOf('Deployment');
  const [namespace, name] = [String(deployment!.namespace), String(deployment!.name)];
  tokens.set(namespace, ({ app }) => app.namespace);
  tokens.set(name, ({ app }) => app.name);
  tokens.set(String(deployment!.uid), ({ app }) => app.uid);
  const pods = metadataOf('Pod');
  for (const [i, replicaSet] of metadataOf('ReplicaSet').entries()) {
    const side = i === 0 ? 'old' : 'next';
    const hash = String((replicaSet.labels as Json)['pod-template-hash']);
    tokens.set(hash, ({ app }) => app[side].hash);
    tokens.set(String(replicaSet.uid), ({ app }) => app[side].uid);
    const own = pods.filter((pod) => String(pod.name).includes(hash));
    for (const [j, pod] of own.entries()) {
      tokens.set(String(pod.name).slice(-5), ({ app }) => app[side].pods[j]!.suffix);
      tokens.set(String(pod.uid), ({ app }) => app[side].pods[j]!.uid);
    }
  }
  for (const n of [1, 2, 3]) tokens.set(`n${n}`, ({ app }) => `node-${(app.node + n) % app.nodes}`);
  return tokens;
}

const timestamp = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/;
const versionField = /"resourceVersion":"\d+"/;
const generationField = /"(?:g|observedG)eneration":\d+/;
/** Of the Deployment itself, not of its template. */
const annotationsField = /(?<="creationTimestamp":"[^"]+",)"annotations":/;

/** A text with gaps, and what goes into each. */
function compile(text: string, tokens: ReadonlyMap<string, Token>, object: Json, start: number): Token {
  const { uid, name, resourceVersion } = object.metadata as Json;
  const patterns = [timestamp, versionField];
  if (object.kind === 'Deployment') patterns.push(generationField, annotationsField);
  const words = [...tokens.keys()]
    .sort((a, b) => b.length - a.length)
    .map((word) => `(?<![A-Za-z0-9])${word}(?![A-Za-z0-9])`);
  const own = new Map(tokens);
  if (object.kind === 'Event') {
    const hex = String(name).split('.').at(-1)!;
    own.set(String(uid), ({ start, elapsed }) => writeEventUid(start + elapsed));
    own.set(hex, nanosecondsOf);
    words.push(String(uid), hex);
  }
  const fill = (part: string): string | Token => {
    const token = own.get(part);
    if (token !== undefined) return token;
    const [, field, value] = /^"(\w+)":"?(\d*)/.exec(part) ?? [];
    switch (field) {
      case 'resourceVersion':
        return value === resourceVersion
          ? ({ version }) => `"resourceVersion":"${version}"`
          : ({ app }) => `"resourceVersion":"${app.versions.get(value!)}"`;
      case 'generation':
      case 'observedGeneration':
        return (moment) => `"${field}":${generationOf(moment, Number(value))}`;
      case 'annotations':
        return (moment) => `"ownerReferences":${ownerOf(moment)},${part}`;
    }
    const offset = Date.parse(part) - start;
    const isExact = part.includes('.');
    return (moment) => {
      const at = new Date(moment.start + offset * moment.app.pace).toISOString();
      return isExact ? `${at.slice(0, 23)}000Z` : `${at.slice(0, 19)}Z`;
    };
  };
  const parts = text
    .split(new RegExp(`(${[...patterns.map(({ source }) => source), ...words].join('|')})`))
    .map((part, i) => (i % 2 === 0 ? part : fill(part)));
  return (moment) => {
    let written = '';
    for (const part of parts) written += typeof part === 'string' ? part : part(moment);
    return written;
  };
}

/** The same for the same app and moment: an Event's name is in its key and in its text. */
const nanosecondsOf = ({ app, start, elapsed }: Moment): string =>
  (
    BigInt(Math.round(start + elapsed)) * 1_000_000n +
    BigInt(Number.parseInt(app.uid.slice(0, 4), 16))
  ).toString(16);
