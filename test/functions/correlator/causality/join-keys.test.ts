import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { joinDigests, joinKeys } from '../../../../functions/correlator/causality/join-keys.ts';
import { builtInRules } from '../../../../functions/correlator/causality/rules/built-in-rules.ts';
import { readObservations } from '../../../../infra/local/read-recording.ts';
import { checkProperty } from '../../../check-property.ts';

const recordings = fileURLToPath(new URL('../../../recordings', import.meta.url));
for (const file of ['drain', 'preemption', 'hpa', 'cronjob', 'statefulset']) {
  it(`${file}: what brings no new digest brings no new join key`, async () => {
    const all = await Array.fromAsync(readObservations([`${file}.jsonl`], { baseDirectory: recordings }));
    const known = fc.subarray(all);
    let settled = 0;
    await checkProperty(
      fc.property(known, fc.subarray(all), (some, more) => {
        const digests = joinDigests(some, builtInRules);
        const news = more.filter((observation) =>
          joinDigests([observation], builtInRules).isSubsetOf(digests),
        );
        settled += news.filter((observation) => !some.includes(observation)).length;
        expect(joinKeys([...some, ...news], builtInRules)).toEqual(joinKeys(some, builtInRules));
      }),
      50,
    );
    expect(settled).toBeGreaterThan(0);
  });
}
