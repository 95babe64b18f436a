/** What the store or a queue refuses for what it is, is set aside alone, and all else goes on. */
import { expect, it } from 'vitest';
import { readActivity } from '../../../functions/correlator/activity.ts';
import { commitSpans } from '../../../functions/correlator/outbox.ts';
import { createSettle } from '../../../functions/correlator/settle.ts';
import type { Item, Store } from '../../../functions/correlator/store.ts';
import { createMemoryStore } from '../../../functions/correlator/store-memory.ts';
import { ItemRefusedError, MessageRefusedError } from '../../../shared/errors.ts';
import type { Poison } from '../../../shared/set-aside.ts';
import type { Span } from '../../../shared/span.ts';
import { makeSpan } from '../../spans.ts';
import { startContext } from '../../support/start-context.ts';
import { rollout } from './causality/cluster-story.ts';
import { received, recordsOf, startPipeline } from './pipeline.ts';

const web = 'c1/web';

/** A store that takes all but these. */
function refusing(store: Store, isRefused: (item: Item) => boolean): Store {
  const refuse = (items: readonly Item[]) => {
    const refused = items.filter(isRefused);
    if (refused.length > 0) throw new ItemRefusedError(refused, 'too large');
  };
  return {
    ...store,
    async put(items) {
      await store.put(items.filter((item) => !isRefused(item)));
      refuse(items);
    },
    async replace(item, seen) {
      refuse([item]);
      return store.replace(item, seen);
    },
  };
}

it('a chunk that the store refuses: its observations are set aside, those of others are told', async () => {
  const [good, bad] = [rollout(0), rollout(0, 'bad')];
  const isBad = ({ pk, sk }: Item) => pk.endsWith(bad.deployment.uid) && sk.startsWith('chunk#');
  const pipeline = startPipeline({ store: (now) => refusing(createMemoryStore(now), isBad) });
  const answer = await pipeline.ingest(recordsOf([[...good.observations, ...bad.observations]]));
  expect(answer).toEqual({ batchItemFailures: [] });
  await pipeline.runTimers();
  expect(received(pipeline)).toHaveLength(4);
  const [header, ...lines] = pipeline.poison[0]!.payload.split('\n');
  expect(JSON.parse(header!)).toMatchObject({ version: 1, cluster: { uid: 'c1' } });
  expect(lines.map((line) => JSON.parse(line))).toEqual(bad.observations);
  expect(pipeline.poison).toHaveLength(1);
});

it('a span that fits into no batch: it is set aside, as good as sent, and the next batch has the next number', async () => {
  const context = startContext();
  const poison: Poison[] = [];
  const span = makeSpan({ name: 'Pod.Failed', object: 'web' });
  const ports = {
    ...context.ports,
    store: refusing(context.store, ({ sk, body }) => sk.startsWith('cut#') && body !== undefined),
    setAside: { keep: async (one: Poison) => void poison.push(one) },
  };
  const activity = await readActivity(context.store, web);
  await commitSpans({ ...context, ports }, activity, [span], { chain: 'chain' });
  expect(poison.map(({ payload }) => JSON.parse(payload).spans)).toEqual([[span]]);
  const after = await readActivity(context.store, web);
  expect(after.batches.map(({ number, body }) => [number, body])).toEqual([[1, undefined]]);
  expect(after.sent).toHaveLength(1);
});

it('a span that the queue refuses: it is set aside, and the timer is done', async () => {
  const { observations } = rollout(0);
  const pipeline = startPipeline();
  await pipeline.ingest(recordsOf([observations]));
  const poison: Poison[] = [];
  const sent: Span[] = [];
  const settle = createSettle(
    {
      ...startContext(undefined, pipeline.now + 21_000).ports,
      store: pipeline.store,
      setAside: { keep: async (one) => void poison.push(one) },
      spansQueue: {
        async send(spans) {
          sent.push(...spans.slice(1));
          throw new MessageRefusedError(spans.slice(0, 1), 'too long');
        },
      },
      assemblyClock: () => 2n ** 62n,
    },
    startContext().thresholds,
  );
  const body = JSON.stringify({ ...pipeline.timers[0], dueAt: pipeline.now + 21_000 });
  expect(await settle({ Records: [{ messageId: 'm', body }] })).toEqual({ batchItemFailures: [] });
  expect(sent).toHaveLength(3);
  expect(poison.flatMap(({ payload }) => JSON.parse(payload).spans)).toHaveLength(1);
});
