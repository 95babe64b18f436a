/** Kubernetes' own schemas and a program that checks manifests against them, both from one Python package. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const version = '1.37.0';

/** The newest three that there are schemas for: those that Kubernetes' own project keeps mending. */
export const lastKubernetes = [35, 36, 37].map((minor) => `1.${minor}`);

/** What to run: it is installed beside the system's temporary files, at the first run. */
export function installKubernetesValidate(): string {
  const folder = join(tmpdir(), `rootspan-kubernetes-validate-${version}`);
  const done = join(folder, 'installed');
  if (!existsSync(done)) {
    execFileSync('python3', ['-m', 'venv', '--clear', folder], { stdio: 'inherit' });
    execFileSync(join(folder, 'bin/pip'), ['install', '--quiet', `kubernetes-validate==${version}`], {
      stdio: 'inherit',
    });
    execFileSync('touch', [done]);
  }
  return join(folder, 'bin/kubernetes-validate');
}
