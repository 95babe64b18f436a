import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { loadKubeConfig } from '../../../../functions/forwarder/kubernetes/load-kube-config.ts';
import { UserError } from '../../../../shared/errors.ts';

afterEach(() => vi.unstubAllEnvs());

/** Reads a kubeconfig with this text, or none at all. */
async function load(text?: string) {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'rootspan-'));
  vi.stubEnv('HOME', folder.path);
  vi.stubEnv('KUBECONFIG', text === undefined ? '' : join(folder.path, 'config'));
  if (text !== undefined) await writeFile(join(folder.path, 'config'), text);
  return loadKubeConfig();
}

const whole = `
clusters: [{name: c, cluster: {server: "https://10.0.0.1:6443/"}}]
users: [{name: u, user: {token: abc}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
`;

it('reads the file that KUBECONFIG names', async () => {
  const config = await load(`${whole}current-context: x`);
  expect(config.getCurrentCluster()).toMatchObject({ server: 'https://10.0.0.1:6443' });
});

it.each<[string, string | undefined, RegExp]>([
  ['no file', undefined, /^no cluster: set KUBECONFIG, or write ~\/.kube\/config, or run inside a cluster$/],
  ['no context', whole, /^the kubeconfig names no cluster to use; choose one/],
  ['a context that is not there', `${whole}current-context: y`, /^the kubeconfig names no cluster to use/],
  ['a broken file', `users: [{name: u, user: {token: abc}`, /^the kubeconfig cannot be read: (?!.*abc).*$/],
  [
    'a cluster without a server',
    'clusters: [{name: c, cluster: {}}]',
    /clusters\[0\].cluster.server is missing/,
  ],
  ['no YAML of ours', '', /^the kubeconfig /],
])('says in one line what is wrong: %s', async (_, text, message) => {
  const error = await load(text).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(UserError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).not.toContain('\n');
});
