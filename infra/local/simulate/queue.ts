/**
 * An SQS standard queue and the event source that hands its messages to a function: at least once, in no order, a message in flight
 * out of sight until its time is up, dead letters. What is deleted does not come back, but for copies that are in flight.
 */
import { readHandlerAnswer } from '../read-handler-answer.ts';
import { billQueues } from './account.ts';
import type { Invocation, Invoke, World } from './function.ts';

export interface QueueSettings {
  name: string;
  /** Milliseconds. */
  visibilityTimeout: number;
  maxReceiveCount: number;
  /** Of the event source. */
  batchSize: number;
  concurrency: number;
}

/** As much of Lambda's SQSEvent as the handlers read. */
export interface QueueEvent {
  Records: {
    messageId: string;
    receiptHandle: string;
    body: string;
    attributes: { ApproximateReceiveCount: string; SentTimestamp: string };
  }[];
}

export interface Queue {
  /** SQS takes a delay of 900 s at most. `group`: whose it is, where the queue is to be fair to others. */
  send(body: string, delaySeconds: number, group?: string): void;
  /** Of a message that is not deleted yet: seen again so many seconds from now. */
  changeVisibility(receiptHandle: string, seconds: number): void;
  consume(invoke: Invoke<QueueEvent>): void;
  /** Bodies of messages that were received too often. */
  deadLetters: readonly string[];
}

interface Message {
  id: string;
  body: string;
  group: string | undefined;
  sentAt: number;
  /** As the queue counts what can be seen. */
  place: number;
  receiveCount: number;
  isDeleted: boolean;
  /** Handed out twice since it was last seen by itself. */
  isCopied: boolean;
  /** Takes back when it is seen next. */
  forget(): void;
}

/** Milliseconds from when a message can be seen until a poller has it. */
const receiveLatency = 20;
const deleteLatency = 10;
const longestDelay = 900;

/** What a queue is in at a moment: its messages, and how much of its event source is at work. */
interface QueueState {
  readonly world: World;
  readonly settings: QueueSettings;
  /** Bodies. */
  readonly deadLetters: string[];
  /** By group, each in the order in which they could be seen. */
  readonly visible: Map<string | undefined, Message[]>;
  shown: number;
  readonly processing: ProcessingTimes;
  /** By receipt handle. */
  readonly inFlight: Map<string, Message>;
  sent: number;
  /** Invocations under way. */
  running: number;
  /** Whether a poller is on its way already. */
  isPolled: boolean;
  invoke: Invoke<QueueEvent> | undefined;
}

export function createQueue(world: World, settings: QueueSettings): Queue {
  const queue: QueueState = {
    world,
    settings,
    deadLetters: [],
    visible: new Map(),
    shown: 0,
    processing: createProcessingTimes(),
    inFlight: new Map(),
    sent: 0,
    running: 0,
    isPolled: false,
    invoke: undefined,
  };
  return {
    deadLetters: queue.deadLetters,
    send(body, delaySeconds, group) {
      const delay = Math.min(longestDelay, Math.max(0, delaySeconds)) * 1000;
      showIn(queue, createMessage(queue, body, group), delay + world.faults.lateMessage());
    },
    changeVisibility(receiptHandle, seconds) {
      const message = queue.inFlight.get(receiptHandle);
      if (message !== undefined && !message.isDeleted) showIn(queue, message, seconds * 1000);
    },
    consume(invoke) {
      queue.invoke = invoke;
      poll(queue);
    },
  };
}

const createMessage = (queue: QueueState, body: string, group: string | undefined): Message => ({
  id: `${queue.settings.name}-${queue.sent++}`,
  body,
  group,
  place: 0,
  sentAt: queue.world.time.now(),
  receiveCount: 0,
  isDeleted: false,
  isCopied: false,
  forget: () => {},
});

function show(queue: QueueState, message: Message) {
  if (message.isDeleted) return;
  message.place = queue.shown++;
  const own = queue.visible.get(message.group);
  if (own === undefined) queue.visible.set(message.group, [message]);
  else own.push(message);
  poll(queue);
}

function showIn(queue: QueueState, message: Message, milliseconds: number) {
  message.forget();
  message.forget = queue.world.time.after(milliseconds, () => {
    message.isCopied = false;
    show(queue, message);
  });
}

/** Pollers receive what can be seen together, and no more than they may have in hand. */
function poll(queue: QueueState) {
  const { world, settings, visible, invoke } = queue;
  if (queue.isPolled || invoke === undefined || queue.running >= settings.concurrency || visible.size === 0)
    return;
  queue.isPolled = true;
  world.time.after(receiveLatency, () => {
    queue.isPolled = false;
    const batch = takeVisible(queue).filter((message) => !message.isDeleted && receive(queue, message));
    if (batch.length > 0) world.time.watch(handOut(queue, batch, invoke));
    poll(queue);
  });
}

/**
 * Those that wait longest, and of fair queues those first whose group is no noisy neighbour:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html
 */
function takeVisible({ visible, processing, settings, world }: QueueState): Message[] {
  const taken: Message[] = [];
  const isNoisy = processing.noisyAt(world.time.now());
  const isBefore = (a: Message, b: Message) =>
    isNoisy(a.group) === isNoisy(b.group) ? a.place < b.place : isNoisy(b.group);
  while (taken.length < settings.batchSize && visible.size > 0) {
    const first = [...visible.values()].reduce((one, other) => (isBefore(other[0]!, one[0]!) ? other : one));
    taken.push(first.shift()!);
    if (first.length === 0) visible.delete(taken.at(-1)!.group);
  }
  return taken;
}

/** Whether the event source gets it; what was received too often is a dead letter. */
function receive(queue: QueueState, message: Message): boolean {
  message.receiveCount += 1;
  if (message.receiveCount > queue.settings.maxReceiveCount) {
    deleteMessage(message);
    queue.deadLetters.push(message.body);
    queue.world.account.deadLetters += 1;
    return false;
  }
  showIn(queue, message, queue.settings.visibilityTimeout);
  // Copies of copies would make dead letters of what SQS hands out twice.
  const copy = message.isCopied ? undefined : queue.world.faults.copyOfMessage();
  if (copy !== undefined) {
    message.isCopied = true;
    queue.world.time.after(copy, () => show(queue, message));
  }
  return true;
}

async function handOut(queue: QueueState, batch: readonly Message[], invoke: Invoke<QueueEvent>) {
  queue.running += 1;
  const records = batch.map((message) => {
    const record = recordOf(message);
    queue.inFlight.set(record.receiptHandle, message);
    return record;
  });
  billQueues(
    queue.world.account,
    batch.reduce((sum, { body }) => sum + body.length, 0),
  );
  queue.world.tell(
    () =>
      `${queue.settings.name} hands out ${records.map(({ receiptHandle, body }) => `${receiptHandle} ${body.slice(0, 200)}`)}`,
  );
  const isTwin = batch.some(({ isCopied }) => isCopied);
  const begun = queue.world.time.now();
  const invocation = await invoke({ Records: records }, isTwin);
  queue.processing.note(batch, begun, queue.world.time.now());
  queue.running -= 1;
  poll(queue);
  for (const { receiptHandle } of records) queue.inFlight.delete(receiptHandle);
  await deleteDone(queue, doneOf(batch, invocation));
}

function recordOf(message: Message): QueueEvent['Records'][number] {
  const receiptHandle = `${message.id}/${message.receiveCount}`;
  const attributes = {
    ApproximateReceiveCount: String(message.receiveCount),
    SentTimestamp: String(message.sentAt),
  };
  return { messageId: message.id, receiptHandle, body: message.body, attributes };
}

/** What the event source may delete, by the function's answer. */
function doneOf(batch: readonly Message[], invocation: Invocation): readonly Message[] {
  if (invocation.kind === 'failed') return [];
  const answer = readHandlerAnswer(invocation.answer, new Set(batch.map(({ id }) => id)));
  switch (answer.kind) {
    case 'success':
      return batch;
    case 'partly-failed':
      return batch.filter(({ id }) => !answer.ids.has(id));
    case 'malformed':
      return [];
    default:
      return answer satisfies never;
  }
}

async function deleteDone(queue: QueueState, done: readonly Message[]) {
  if (done.length === 0) return;
  await queue.world.time.sleep(deleteLatency);
  billQueues(queue.world.account, 0);
  for (const message of done) if (!queue.world.faults.isDeleteLost()) deleteMessage(message);
}

function deleteMessage(message: Message) {
  message.isDeleted = true;
  message.forget();
}

/** How long what came of each group was in hand, of late. */
interface ProcessingTimes {
  note(batch: readonly Message[], begun: number, ended: number): void;
  noisyAt(now: number): (group: string | undefined) => boolean;
}

/** Of all processing time: whose share is more is a noisy neighbour. AWS says "recent" and not how long that is. */
const noisyShare = 0.1;
const recent = 60_000;

function createProcessingTimes(): ProcessingTimes {
  const spent: { group: string | undefined; ended: number; took: number }[] = [];
  const sums = new Map<string | undefined, number>();
  let all = 0;
  const add = (group: string | undefined, took: number) => {
    sums.set(group, (sums.get(group) ?? 0) + took);
    all += took;
  };
  return {
    note(batch, begun, ended) {
      for (const { group } of batch) {
        spent.push({ group, ended, took: ended - begun });
        add(group, ended - begun);
      }
    },
    noisyAt(now) {
      while (spent.length > 0 && spent[0]!.ended < now - recent) {
        const { group, took } = spent.shift()!;
        add(group, -took);
      }
      return (group) => group !== undefined && (sums.get(group) ?? 0) > noisyShare * all;
    },
  };
}
