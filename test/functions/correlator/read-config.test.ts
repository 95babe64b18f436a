import { expect, test } from 'vitest';
import { readIngestConfig, readSettleConfig } from '../../../functions/correlator/read-config.ts';
import { defaultThresholds } from '../../../functions/correlator/thresholds.ts';
import { UserError } from '../../../shared/errors.ts';

const stack = {
  TABLE_NAME: 'state',
  TIMERS_QUEUE_URL: 'https://sqs.example/timers',
  SPANS_QUEUE_URL: 'https://sqs.example/spans',
  SET_ASIDE_BUCKET: 'set-aside',
};
const ingest = {
  tableName: 'state',
  timersQueueUrl: 'https://sqs.example/timers',
  setAsideBucket: 'set-aside',
  thresholds: defaultThresholds,
};

test('what the stack says, and nothing else', () => {
  expect(readIngestConfig({ ...stack, PATH: '/bin' })).toEqual(ingest);
  const settle = {
    ...ingest,
    spansQueueUrl: 'https://sqs.example/spans',
    releasesByImages: false,
    metricsByCluster: false,
  };
  expect(readSettleConfig(stack)).toEqual(settle);
});

test('whether there are several clusters, whose images say that they are of one release', () => {
  expect(readSettleConfig({ ...stack, RELEASES_BY_IMAGES: 'yes' }).releasesByImages).toBe(true);
  expect(() => readSettleConfig({ ...stack, RELEASES_BY_IMAGES: 'perhaps' })).toThrow(UserError);
});

test('how long a gap is between two releases can be said, and they are sent no sooner than what is stuck has its root', () => {
  const gapOf = (seconds: string) => {
    const { releaseGap, releaseWait } = readSettleConfig({
      ...stack,
      RELEASE_GAP_SECONDS: seconds,
    }).thresholds;
    return { releaseGap, releaseWait };
  };
  expect(gapOf('600')).toEqual({ releaseGap: 600, releaseWait: defaultThresholds.releaseWait });
  expect(gapOf('7200')).toEqual({ releaseGap: 7200, releaseWait: 8400 });
  expect(() => gapOf('an hour')).toThrow(/^RELEASE_GAP_SECONDS/);
});

test('which change records are wanted can be said', () => {
  const { recordOutcomes } = readSettleConfig({ ...stack, RECORD_OUTCOMES: 'failed,stalled' });
  expect(recordOutcomes).toEqual(new Set(['failed', 'stalled']));
  expect(() => readSettleConfig({ ...stack, RECORD_OUTCOMES: 'failed,slow' })).toThrow(/^RECORD_OUTCOMES/);
});

test('how long an activity has to be quiet can be said', () => {
  const env = { ...stack, SETTLE_AFTER_QUIET_SECONDS: '5' };
  expect(readSettleConfig(env).thresholds).toEqual({ ...defaultThresholds, quiet: 5 });
});

test.each([
  [{ TABLE_NAME: undefined }, 'TABLE_NAME is missing'],
  [{ SPANS_QUEUE_URL: '' }, 'SPANS_QUEUE_URL is empty'],
  [
    { SETTLE_AFTER_QUIET_SECONDS: 'hunter2' },
    'SETTLE_AFTER_QUIET_SECONDS should be whole seconds, from 1 to 999',
  ],
])('%j: %s', (change, message) => {
  expect(() => readSettleConfig({ ...stack, ...change })).toThrow(new UserError(message));
});

test('where the rules of the users’ own are', () => {
  expect(readSettleConfig({ ...stack, RULES_FILE: 'rules.yaml' }).rulesFile).toBe('rules.yaml');
  expect(() => readSettleConfig({ ...stack, RULES_FILE: '' })).toThrow(new UserError('RULES_FILE is empty'));
});
