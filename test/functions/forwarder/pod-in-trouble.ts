/**
 * A pod whose init container has failed twice and whose containers wait, run and have ended. Every field of it that may not
 * leave the cluster holds `hunter2`.
 */
const secret = 'hunter2';

/** What a kubelet writes of each container, whatever its state. */
const ofEach = { image: secret, imageID: secret, containerID: secret, ready: false, started: false };
const spec = {
  image: secret,
  command: [secret],
  args: [secret],
  env: [{ name: secret, value: secret }],
  envFrom: [{ secretRef: { name: secret } }],
  workingDir: secret,
  livenessProbe: { httpGet: { path: secret, httpHeaders: [{ name: 'authorization', value: secret }] } },
};

export const podInTrouble = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web-0',
    namespace: 'shop',
    uid: 'u1',
    annotations: { token: secret, 'kubectl.kubernetes.io/last-applied-configuration': secret },
    labels: { team: secret },
    finalizers: [secret],
    managedFields: [
      {
        manager: 'kubelet',
        operation: 'Update',
        subresource: 'status',
        fieldsV1: { 'f:status': { [secret]: {} } },
      },
    ],
  },
  spec: {
    nodeName: 'n1',
    hostname: secret,
    serviceAccountName: secret,
    initContainers: [{ name: 'migrate', ...spec }],
    containers: [{ name: 'app', ...spec }],
    volumes: [{ name: secret, secret: { secretName: secret } }],
  },
  status: {
    phase: 'Pending',
    message: secret,
    podIP: secret,
    nominatedNodeName: secret,
    initContainerStatuses: [
      {
        ...ofEach,
        name: 'migrate',
        restartCount: 2,
        state: { waiting: { reason: 'CrashLoopBackOff', message: secret } },
        lastState: {
          terminated: {
            reason: 'Error',
            exitCode: 3,
            startedAt: '2026-03-01T11:59:00Z',
            finishedAt: '2026-03-01T11:59:05Z',
            message: secret,
            signal: 0,
            containerID: secret,
          },
        },
      },
    ],
    containerStatuses: [
      {
        ...ofEach,
        name: 'app',
        restartCount: 0,
        state: { running: { startedAt: '2026-03-01T12:00:00Z', [secret]: secret } },
        lastState: {},
        volumeMounts: [{ name: secret, mountPath: secret }],
        allocatedResources: { [secret]: secret },
        user: { linux: { uid: secret } },
      },
      {
        ...ofEach,
        name: 'sidecar',
        restartCount: 1,
        state: {
          terminated: {
            reason: 'OOMKilled',
            exitCode: 137,
            startedAt: null,
            finishedAt: '2026-03-01T12:00:09Z',
            message: secret,
            containerID: secret,
          },
        },
      },
    ],
    ephemeralContainerStatuses: [{ ...ofEach, name: secret, state: { running: { startedAt: secret } } }],
  },
};
