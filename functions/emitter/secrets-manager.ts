/** A secret of AWS Secrets Manager, kept for five minutes. */
import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import { boundCalls } from '../../shared/bound-calls.ts';
import type { SecretSource } from './secret-headers.ts';

/** Seconds. */
const maxAge = 300;

export function createSecretSource(
  arn: string,
  provider = new SecretsProvider({ clientConfig: boundCalls }),
): SecretSource {
  return {
    async read(forceFetch) {
      const value = await provider.get(arn, { maxAge, forceFetch });
      return typeof value === 'string' ? value : '';
    },
  };
}
