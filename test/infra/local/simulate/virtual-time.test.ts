import { expect, it } from 'vitest';
import { createVirtualTime } from '../../../../infra/local/simulate/virtual-time.ts';

it('jumps from one moment to the next, in the order of asking where they are equal', async () => {
  const time = createVirtualTime(1000);
  const seen: string[] = [];
  const see = (what: string) => () => void seen.push(`${time.now()} ${what}`);
  time.after(500, see('later'));
  time.at(1200, see('first of two'));
  time.at(1200, see('second of two'));
  time.at(0, see('what is past comes now'));
  time.at(1300, see('taken back'))();
  expect(await time.run(Number.POSITIVE_INFINITY)).toBe(true);
  expect(seen).toEqual([
    '1000 what is past comes now',
    '1200 first of two',
    '1200 second of two',
    '1500 later',
  ]);
});

it('lets all promises run dry before it goes on', async () => {
  const time = createVirtualTime(0);
  const seen: string[] = [];
  time.after(1, () => {
    void (async () => {
      for (let turn = 0; turn < 100; turn += 1) await undefined;
      seen.push('after a hundred awaits');
      await time.sleep(5);
      seen.push(`slept until ${time.now()}`);
    })();
  });
  time.after(2, () => seen.push('a millisecond later'));
  await time.run(Number.POSITIVE_INFINITY);
  expect(seen).toEqual(['after a hundred awaits', 'a millisecond later', 'slept until 6']);
});

it('says where something would be left after the end', async () => {
  const time = createVirtualTime(0);
  time.after(100, () => {});
  expect(await time.run(99)).toBe(false);
});

it('ends with the first defect of what it watches', async () => {
  const time = createVirtualTime(0);
  time.after(1, () => time.watch(Promise.reject(new Error('a mistake'))));
  time.after(2, () => {});
  await expect(time.run(99)).rejects.toThrow('a mistake');
});
