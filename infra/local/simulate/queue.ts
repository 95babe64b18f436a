/**
 * An SQS standard queue and the event source that hands its messages to a function: at least once, in no order, a message in flight
 * out of sight until its time is up, dead letters. What is deleted does not come back, but for copies that are in flight.
 */
import { readHandlerAnswer } from '../read-handler-answer.ts';
import type { Invoke, World } from './function.ts';

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
  /** SQS takes a delay of 900 s at most. */
  send(body: string, delaySeconds: number): void;
  /** Of a message that is not deleted yet: seen again so many seconds from now. */
  changeVisibility(receiptHandle: string, seconds: number): void;
  consume(invoke: Invoke<QueueEvent>): void;
  /** Bodies of messages that were received too often. */
  deadLetters: readonly string[];
}

interface Message {
  id: string;
  body: string;
  sentAt: number;
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
/** Bytes of what SQS bills as one request. */
const billedBytes = 65_536;

export function createQueue(world: World, settings: QueueSettings): Queue {
  const { time, faults, account, tell } = world;
  const { name, visibilityTimeout, maxReceiveCount, batchSize, concurrency } = settings;
  const deadLetters: string[] = [];
  const visible: Message[] = [];
  const inFlight = new Map<string, Message>();
  let sent = 0;
  let running = 0;
  let isAsked = false;
  let invoke: Invoke<QueueEvent> | undefined;
  const request = (bytes: number) => {
    account.services.queues.bytes += bytes;
    account.queueRequests += Math.max(1, Math.ceil(bytes / billedBytes));
  };

  const show = (message: Message) => {
    if (message.isDeleted) return;
    visible.push(message);
    ask();
  };
  const showIn = (message: Message, milliseconds: number) => {
    message.forget();
    message.forget = time.after(milliseconds, () => {
      message.isCopied = false;
      show(message);
    });
  };
  /** Pollers receive what can be seen together, and no more than they may have in hand. */
  function ask() {
    if (isAsked || invoke === undefined || running >= concurrency || visible.length === 0) return;
    isAsked = true;
    time.after(receiveLatency, () => {
      isAsked = false;
      const batch = visible.splice(0, batchSize).filter((message) => !message.isDeleted && receive(message));
      if (batch.length > 0) time.watch(handOut(batch));
      ask();
    });
  }

  function receive(message: Message): boolean {
    message.receiveCount += 1;
    if (message.receiveCount <= maxReceiveCount) {
      showIn(message, visibilityTimeout);
      // Copies of copies would make dead letters of what SQS hands out twice.
      const copy = message.isCopied ? undefined : faults.copyOfMessage();
      if (copy !== undefined) {
        message.isCopied = true;
        time.after(copy, () => show(message));
      }
      return true;
    }
    message.forget();
    message.isDeleted = true;
    deadLetters.push(message.body);
    account.deadLetters += 1;
    return false;
  }

  async function handOut(batch: readonly Message[]) {
    running += 1;
    const records = batch.map((message) => {
      const receiptHandle = `${message.id}/${message.receiveCount}`;
      inFlight.set(receiptHandle, message);
      const attributes = {
        ApproximateReceiveCount: String(message.receiveCount),
        SentTimestamp: String(message.sentAt),
      };
      return { messageId: message.id, receiptHandle, body: message.body, attributes };
    });
    request(batch.reduce((sum, { body }) => sum + body.length, 0));
    tell(
      () =>
        `${name} hands out ${records.map(({ receiptHandle, body }) => `${receiptHandle} ${body.slice(0, 200)}`)}`,
    );
    const invocation = await invoke!({ Records: records });
    running -= 1;
    ask();
    const ids = new Set(batch.map(({ id }) => id));
    const answer =
      invocation.kind === 'answered'
        ? readHandlerAnswer(invocation.answer, ids)
        : ({ kind: 'malformed' } as const);
    const done =
      answer.kind === 'success'
        ? batch
        : answer.kind === 'partly-failed'
          ? batch.filter(({ id }) => !answer.ids.has(id))
          : [];
    for (const { receiptHandle } of records) inFlight.delete(receiptHandle);
    if (done.length === 0) return;
    await time.sleep(deleteLatency);
    request(0);
    for (const message of done) {
      if (faults.isDeleteLost()) continue;
      message.isDeleted = true;
      message.forget();
    }
  }

  return {
    deadLetters,
    send(body, delaySeconds) {
      const message: Message = {
        id: `${name}-${sent++}`,
        body,
        sentAt: time.now(),
        receiveCount: 0,
        isDeleted: false,
        isCopied: false,
        forget: () => {},
      };
      showIn(message, Math.min(longestDelay, Math.max(0, delaySeconds)) * 1000 + faults.lateMessage());
    },
    changeVisibility(receiptHandle, seconds) {
      const message = inFlight.get(receiptHandle);
      if (message !== undefined && !message.isDeleted) showIn(message, seconds * 1000);
    },
    consume(by) {
      invoke = by;
      ask();
    },
  };
}
