import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { meetingDigests, meetingPoints } from '../../../../functions/correlator/causality/meeting-points.ts';
import { readObservations } from '../../../../infra/local/read-recording.ts';
import { checkProperty } from '../../../check-property.ts';

const recordings = fileURLToPath(new URL('../../../recordings', import.meta.url));
for (const file of ['drain', 'preemption', 'hpa', 'cronjob', 'statefulset']) {
  it(`${file}: what brings no new digest brings no new meeting point`, async () => {
    const all = await Array.fromAsync(readObservations([`${file}.jsonl`], { baseDirectory: recordings }));
    const known = fc.subarray(all);
    let settled = 0;
    await checkProperty(
      fc.property(known, fc.subarray(all), (some, more) => {
        const digests = meetingDigests(some);
        const news = more.filter((observation) => meetingDigests([observation]).isSubsetOf(digests));
        settled += news.filter((observation) => !some.includes(observation)).length;
        expect(meetingPoints([...some, ...news])).toEqual(meetingPoints(some));
      }),
      50,
    );
    expect(settled).toBeGreaterThan(0);
  });
}
