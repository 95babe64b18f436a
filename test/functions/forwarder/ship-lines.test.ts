import { expect, it } from 'vitest';
import { createDoubt } from '../../../functions/correlator/doubt-sender.ts';
import { createLineChannel, defaultBatchLimits } from '../../../functions/forwarder/batch-lines.ts';
import { shipLines } from '../../../functions/forwarder/ship-lines.ts';
import { decodeBatch } from '../../../shared/batch-codec.ts';
import { newSigningKey } from '../../support/signing-key.ts';
import { rollout } from '../correlator/causality/cluster-story.ts';

it('where the cluster has a key, each batch is signed, and the stack knows it', async () => {
  const cluster = { uid: 'the-cluster', name: 'prod' };
  const { publicKey, sign } = newSigningKey();
  const { observations } = rollout(0);
  const channel = createLineChannel({ ...defaultBatchLimits, batchLines: 4 }, () => new Promise(() => {}));
  for (const observation of observations) {
    const text = JSON.stringify(observation);
    await channel.push({ type: observation.type, text, at: 0, done: () => {} });
  }
  channel.close();
  const shipped: Uint8Array[] = [];
  await shipLines(
    channel,
    cluster,
    {
      async put(records) {
        shipped.push(...records.map(({ data }) => data));
        return [];
      },
    },
    { onShipped: () => {}, sign },
  );
  const doubt = createDoubt({
    clusters: [{ ...cluster, publicKeys: [publicKey] }],
    requireSignatures: true,
  });
  expect(shipped.length).toBeGreaterThan(1);
  expect(shipped.flatMap((record) => decodeBatch(record, undefined, doubt).observations)).toEqual(
    observations,
  );
});
