import { describe, expect, it } from 'vitest';
import type { Invocation } from '../../../../infra/local/simulate/function.ts';
import { createQueue, type QueueEvent } from '../../../../infra/local/simulate/queue.ts';
import { makeWorld, runOut, secondsOf } from './make-world.ts';

const settings = {
  name: 'timers',
  visibilityTimeout: 60_000,
  maxReceiveCount: 3,
  batchSize: 2,
  concurrency: 1,
};

const done: Invocation = { kind: 'answered', answer: { batchItemFailures: [] } };
const failed: Invocation = { kind: 'failed', error: new Error('it died') };

/** Notes `second body` of each message that it is given, and what of it takes how long and ends how. */
function handleWith(
  world: ReturnType<typeof makeWorld>,
  act: (event: QueueEvent, turn: number) => Promise<Invocation> = async () => done,
) {
  const seen: string[] = [];
  let turn = 0;
  const invoke = (event: QueueEvent) => {
    seen.push(`${Math.floor(secondsOf(world))} ${event.Records.map(({ body }) => body).join('+')}`);
    return act(event, turn++);
  };
  return { seen, invoke };
}

const handleForTenSeconds = (world: ReturnType<typeof makeWorld>) =>
  handleWith(world, async () => {
    await world.time.sleep(10_000);
    return done;
  });

describe('a queue', () => {
  it('shows a message after its delay, 900 s at most, and what is there together comes together', async () => {
    const world = makeWorld();
    const queue = createQueue(world, settings);
    const { seen, invoke } = handleWith(world);
    queue.consume(invoke);
    for (const body of ['a', 'b', 'c']) queue.send(body, 30);
    queue.send('late', 5000);
    await runOut(world);
    expect(seen).toEqual(['30 a+b', '30 c', '900 late']);
  });

  it('hides what is in flight, brings back what failed, and never what is deleted', async () => {
    const world = makeWorld();
    const queue = createQueue(world, settings);
    const { seen, invoke } = handleWith(world, async ({ Records }, turn) =>
      turn > 0
        ? done
        : { kind: 'answered', answer: { batchItemFailures: [{ itemIdentifier: Records[1]!.messageId }] } },
    );
    queue.consume(invoke);
    queue.send('a', 0);
    queue.send('b', 0);
    await runOut(world);
    expect(seen).toEqual(['0 a+b', '60 b']);
  });

  it('takes what was received too often for a dead letter', async () => {
    const world = makeWorld();
    const queue = createQueue(world, settings);
    const { seen, invoke } = handleWith(world, async () => failed);
    queue.consume(invoke);
    queue.send('poison', 0);
    await runOut(world);
    expect(seen).toEqual(['0 poison', '60 poison', '120 poison']);
    expect(queue.deadLetters).toEqual(['poison']);
  });

  it('has no more in hand than its concurrency allows', async () => {
    const world = makeWorld();
    const queue = createQueue(world, { ...settings, batchSize: 1 });
    const { seen, invoke } = handleForTenSeconds(world);
    queue.consume(invoke);
    for (const body of ['a', 'b', 'c']) queue.send(body, 0);
    await runOut(world);
    expect(seen).toEqual(['0 a', '10 b', '20 c']);
  });

  it('may hand out one message twice at once; whoever is done first deletes it, and the other may die of it unheard', async () => {
    const world = makeWorld({ copyOfMessage: () => 1000 });
    const queue = createQueue(world, { ...settings, concurrency: 2 });
    const { seen, invoke } = handleWith(world, async (_, turn) => {
      await world.time.sleep(5000);
      return turn === 0 ? done : failed;
    });
    queue.consume(invoke);
    queue.send('a', 0);
    await runOut(world);
    expect(seen).toEqual(['0 a', '1 a']);
  });

  it('brings back a message whose deletion was lost', async () => {
    let lost = 1;
    const world = makeWorld({ isDeleteLost: () => lost-- > 0 });
    const queue = createQueue(world, settings);
    const { seen, invoke } = handleWith(world);
    queue.consume(invoke);
    queue.send('a', 0);
    await runOut(world);
    expect(seen).toEqual(['0 a', '60 a']);
  });

  it('shows a message when its receiver says, and not when it is deleted', async () => {
    const world = makeWorld();
    const queue = createQueue(world, settings);
    const { seen, invoke } = handleWith(world, async ({ Records }, turn) => {
      queue.changeVisibility(Records[0]!.receiptHandle, 7);
      return turn === 0 ? failed : done;
    });
    queue.consume(invoke);
    queue.send('a', 0);
    await runOut(world);
    expect(seen).toEqual(['0 a', '7 a']);
  });

  it('hands out first what is not of a group that has kept its receivers busy', async () => {
    const world = makeWorld();
    const queue = createQueue(world, { ...settings, batchSize: 1 });
    const { seen, invoke } = handleForTenSeconds(world);
    queue.consume(invoke);
    for (const body of ['a1', 'a2', 'a3', 'a4']) queue.send(body, 0, 'a');
    queue.send('b1', 15, 'b');
    queue.send('nobodys', 15);
    await runOut(world);
    expect(seen).toEqual(['0 a1', '10 a2', '20 b1', '30 nobodys', '40 a3', '50 a4']);
  });
});
