/** The state machine in the order of its rules: each line is what is known of an activity, and what is done next. */
import { describe, expect, it } from 'vitest';
import { type Activity, toActivity } from '../../../functions/correlator/activity.ts';
import {
  batchItem,
  chunkItems,
  mergeItem,
  nameChunks,
  recheckItem,
  registrationItem,
} from '../../../functions/correlator/items.ts';
import {
  ageOf,
  type Known,
  needsRoot,
  nextStep,
  type Root,
  type Step,
} from '../../../functions/correlator/next-step.ts';
import { defaultThresholds } from '../../../functions/correlator/thresholds.ts';
import { makeSpan } from '../../spans.ts';
import { dueOf } from '../../support/due.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const later = 10 ** 10;
const own: Root = { key: 'c1/web', family: 'web', isKnown: true };
const ago = (seconds: number): number => now - seconds * 1000;
/** Each 20 s, so that it never was quiet. */
const eachTwenty = (first: number, last: number): number[] =>
  Array.from({ length: Math.floor((first - last) / 20) + 1 }, (_, step) => first - 20 * step).concat(last);

/** Seconds ago. */
interface Told {
  heard?: readonly number[];
  /** When the timers come that follow what was heard, in seconds from now. */
  followedIn?: number;
  committed?: number;
  merges?: readonly string[];
  joinKeys?: readonly string[];
  /** It settled, and is checked again in so many seconds, or need not be. */
  recheck?: { in: number | undefined; seen?: string };
}

function activityOf(key: string, told: Told): Activity {
  const { heard = [30], followedIn, committed, merges = [], joinKeys = [], recheck } = told;
  const dueAt = followedIn === undefined ? 0 : now + followedIn * 1000;
  const fields = (at: number) => ({ at: ago(at), dueAt, family: 'web', expiresAt: later });
  const chunks = heard.flatMap((at) =>
    chunkItems(key, `b${at}`, { cluster: {}, observations: [] }, fields(at)),
  );
  const next = recheck?.in === undefined ? undefined : now + recheck.in * 1000;
  const seen = recheck?.seen ?? nameChunks(chunks);
  const span = makeSpan({ name: 'Pod.Pulled', object: 'web' });
  return toActivity(key, [
    ...chunks,
    ...(committed === undefined
      ? []
      : [batchItem(key, 1, [span], { at: ago(committed), chain: 'chain' }, later)]),
    ...merges.map((from) => mergeItem(key, 'web', from, later)),
    ...(joinKeys.length > 0 ? [registrationItem(key, joinKeys, later)] : []),
    ...(recheck === undefined ? [] : [recheckItem(key, { seen, next, acknowledged: undefined }, 1, later)]),
  ]);
}

interface Asked extends Told {
  /** Of the timer: how many seconds it is behind, and how long ago it was sent for what was there then. */
  behind?: number;
  since?: number;
  root?: Root | undefined;
  unregistered?: readonly string[] | undefined;
  isNewlyRegistered?: boolean;
  /** Of the partition keys of its cluster: seconds that one is behind, and how long ago something was filed late. */
  lag?: { seconds: number; lateAt: number };
  /** Of all bodies. */
  bytes?: number;
  related?: readonly Known[] | undefined;
}

/** Its root and join keys are known, and nobody is related to it, unless something else is said. */
const step = (asked: Asked): string => inWords(decide(asked));

function decide(asked: Asked): Step {
  const due = dueOf({
    dueAt: ago(asked.behind ?? 0),
    armedAt: undefined,
    since: asked.since === undefined ? undefined : ago(asked.since),
  });
  const facts = { root: own, unregistered: [], related: [], isNewlyRegistered: false, ...asked };
  const read = activityOf('c1/web', asked);
  const activity = { ...read, bytes: asked.bytes ?? read.bytes };
  return nextStep({ ...facts, due, activity, observations: [] }, now, defaultThresholds);
}

function inWords(step: Step): string {
  switch (step.do) {
    case 'finish':
      return `finish: ${step.because}`;
    case 'merge-into':
      return `merge into ${step.root}, of family ${step.family}`;
    case 'merge-from':
      return `merge from ${step.merges.map(({ from }) => from).join()}, into family ${step.family}`;
    case 'register':
      return `register under ${step.joinKeys.join()}`;
    case 'wait':
      return `wait ${step.seconds} s: ${step.because}`;
    default:
      return step.do;
  }
}

describe('wait, while a partition key of its cluster is behind', () => {
  const behind = (seconds: number) => ({ seconds, lateAt: 0 });

  it('for it to catch up, 300 s at most', () => {
    expect(step({ heard: [30], lag: behind(16) })).toBe('wait 10 s: lag');
    expect(step({ heard: [30], lag: behind(Number.POSITIVE_INFINITY) })).toBe('wait 10 s: lag');
    expect(step({ heard: [...eachTwenty(294, 30), 30], lag: behind(900) })).toBe('wait 6 s: lag');
    expect(step({ heard: eachTwenty(300, 30), lag: behind(900) })).toBe('commit');
  });

  it('for those that were filed late to be checked once it has', () => {
    expect(step({ heard: [60], lag: { seconds: 1, lateAt: ago(5) } })).toBe('wait 26 s: lag');
    expect(step({ heard: [60], lag: { seconds: 1, lateAt: ago(31) } })).toBe('commit');
  });

  it('not by as much as on any day, and not where there is one key', () => {
    expect(step({ heard: [30], lag: behind(15) })).toBe('commit');
    expect(step({ heard: [30] })).toBe('commit');
  });

  it('first of all for what it would wait for anyway; what has a verdict is not sent before', () => {
    expect(step({ heard: [5], lag: behind(60) })).toBe('wait 15 s: loud');
    expect(decide({ heard: eachTwenty(80, 5), lag: behind(60) })).not.toHaveProperty('closesIn');
    expect(decide({ heard: eachTwenty(80, 5) })).toHaveProperty('closesIn');
  });

  it('not where nothing of it waits', () => {
    expect(step({ heard: [60], committed: 40, lag: behind(900) })).toBe('commit');
  });
});

describe('finish, where another timer does it', () => {
  it('something came since this timer was sent, which has a timer of its own', () =>
    expect(step({ since: 60, heard: [70, 30], followedIn: -9 })).toBe('finish: superseded'));
  it('it came before this timer was sent', () =>
    expect(step({ since: 60, heard: [70, 60], followedIn: -9 })).toBe('commit'));
  it('it has no timer of its own: whoever wrote it counts on this one', () =>
    expect(step({ since: 60, heard: [70, 30] })).toBe('commit'));
  it('a timer that says of nothing since when it is there does all', () =>
    expect(step({ heard: [70, 30], followedIn: -9 })).toBe('commit'));

  it('it has settled, and is rechecked later', () =>
    expect(step({ recheck: { in: 600 } })).toBe('finish: rechecked-later'));
  it('it has settled, and need not be rechecked', () =>
    expect(step({ recheck: { in: undefined } })).toBe('finish: rechecked-later'));
  it('this is the recheck', () => expect(step({ recheck: { in: 0 } })).toBe('commit'));
  it('it has settled, and something came since', () =>
    expect(step({ recheck: { in: 600, seen: 'less' } })).toBe('commit'));
  it('it has settled, and something is to be merged into it', () =>
    expect(step({ recheck: { in: 600 }, merges: ['c1/pod'] })).toBe('merge from c1/pod, into family web'));

  it('nothing is left of it', () => expect(step({ heard: [] })).toBe('finish: empty'));
  it('nothing is left of it but what is to be merged into it', () =>
    expect(step({ heard: [], merges: ['c1/pod'] })).toBe('merge from c1/pod, into family web'));
});

describe('nothing is waited for by a timer that comes nearly a day late: what waits now would be forgotten', () => {
  const day = 24 * 3600;
  it('not for others that register', () => {
    // Its open trace was to close a quarter of an hour after that.
    const late = {
      heard: [day - 599],
      committed: day - 700,
      isNewlyRegistered: true,
      joinKeys: ['Node//n1'],
    };
    expect(step({ ...late, related: undefined })).toBe('read-related');
    expect(step(late)).toBe('commit');
    expect(step({ ...late, heard: [day - 600] })).toBe('wait 10 s: registration');
  });
  it('not for a related one that is loud', () => {
    const loud: Known = { activity: activityOf('c1/n1', { heard: [1] }), observations: [], root: undefined };
    expect(step({ heard: [day - 599], related: [loud] })).toBe('commit');
  });
});

describe('whose it is', () => {
  it('nobody has asked yet: resolve', () => expect(step({ root: undefined })).toBe('resolve'));
  it('it was merged into meanwhile, so that its join keys are not known: resolve', () =>
    expect(step({ unregistered: undefined })).toBe('resolve'));
  const app = { key: 'c1/app', family: 'app', isKnown: true };
  it('another’s: merge into that', () =>
    expect(step({ root: app })).toBe('merge into c1/app, of family app'));
  it('another’s, however loud it is', () =>
    expect(step({ root: app, heard: [0] })).toBe('merge into c1/app, of family app'));
  it('another’s, also of what is to be merged into it', () =>
    expect(step({ root: app, merges: ['c1/pod'] })).toBe('merge into c1/app, of family app'));
  it('its own, and others are parts of it: merge from those, however loud it is', () =>
    expect(step({ heard: [0], merges: ['c1/a', 'c1/b'] })).toBe('merge from c1/a,c1/b, into family web'));
});

describe('join keys', () => {
  it('new ones: register, however loud it is', () =>
    expect(step({ heard: [0], unregistered: ['Node//n1', 'uid:x'] })).toBe('register under Node//n1,uid:x'));
  it('merged before that, which may give more of them', () =>
    expect(step({ unregistered: ['Node//n1'], merges: ['c1/pod'] })).toBe(
      'merge from c1/pod, into family web',
    ));
});

describe('wait until it is quiet', () => {
  it('heard of just now', () => expect(step({ heard: [0] })).toBe('wait 20 s: loud'));
  it('heard of 19 s ago', () => expect(step({ heard: [19] })).toBe('wait 1 s: loud'));
  it('quiet for 20 s', () => expect(step({ heard: [20] })).toBe('commit'));
  it('for almost five minutes never quiet: no longer than until the max wait', () =>
    expect(step({ heard: eachTwenty(295, 0) })).toBe('wait 5 s: loud'));
  it('for five minutes never quiet', () => expect(step({ heard: eachTwenty(300, 0) })).toBe('commit'));
  it('after a silence, what came before it does not count', () =>
    expect(step({ heard: [...eachTwenty(400, 100), 10] })).toBe('wait 10 s: loud'));
  it('nor does what was committed', () =>
    expect(step({ heard: eachTwenty(300, 0), committed: 50 })).toBe('wait 20 s: loud'));
  it('nothing came since the commit', () =>
    expect(step({ heard: [15], committed: 5, root: { ...own, isKnown: false } })).toBe('commit'));
});

describe('wait for somebody who describes its object', () => {
  const unknown = { ...own, isKnown: false };
  it('nobody did', () => expect(step({ root: unknown, heard: [21] })).toBe('wait 39 s: owner'));
  it('nobody did for 59 s', () => expect(step({ root: unknown, heard: [59] })).toBe('wait 1 s: owner'));
  it('nobody did for a minute', () => expect(step({ root: unknown, heard: [60] })).toBe('commit'));
  it('nobody did, and it is loud: first that', () =>
    expect(step({ root: unknown, heard: [5] })).toBe('wait 15 s: loud'));
});

describe('wait for those that register at the same time', () => {
  const joinKeys = ['Node//n1'];
  it('registered just now: as long as others need', () =>
    expect(step({ joinKeys, isNewlyRegistered: true, heard: [30] })).toBe('wait 10 s: registration'));
  it('longer where the timers are behind: those of others are, too', () =>
    expect(step({ joinKeys, isNewlyRegistered: true, heard: [30], behind: 7 })).toBe(
      'wait 17 s: registration',
    ));
  it('registered long ago, and quiet just now: another that went quiet with it is registered at its first check', () =>
    expect(step({ joinKeys, heard: [20] })).toBe('wait 10 s: registration'));
  it('registered long ago, and quiet for 10 s', () =>
    expect(step({ joinKeys, heard: [30] })).toBe('wait 1 s: registration'));
  it('registered long ago, and quiet for 11 s', () => expect(step({ joinKeys, heard: [31] })).toBe('commit'));
  it('not half a day longer where one timer comes half a day late: what it is about would be gone by then', () =>
    expect(step({ joinKeys, isNewlyRegistered: true, heard: [30], behind: 43_200 })).toBe(
      'wait 310 s: registration',
    ));
  it('registered long ago, where the timers are behind', () =>
    expect(step({ joinKeys, heard: [31], behind: 5 })).toBe('wait 5 s: registration'));
  it('not beyond the max wait: who finds new join keys all the time settles, too', () =>
    expect(step({ joinKeys, isNewlyRegistered: true, heard: eachTwenty(300, 20) })).toBe('commit'));
  it('related to nobody', () => expect(step({ heard: [20] })).toBe('commit'));
});

describe('a trace that is over need not wait until its activity is quiet', () => {
  const closesIn = (asked: Asked): number | undefined => {
    const decided = decide(asked);
    return decided.do === 'wait' ? decided.closesIn : undefined;
  };
  it('once something has been waiting for as long as quiet takes', () => {
    expect(closesIn({ heard: eachTwenty(40, 5) })).toBe(0);
    expect(closesIn({ heard: [12, 5] })).toBe(8);
  });
  it('later where others may be related: they have to be registered, too', () =>
    expect(closesIn({ heard: [12, 5], joinKeys: ['Node//n1'] })).toBe(19));
  it('not before it is found itself', () =>
    expect(closesIn({ heard: eachTwenty(80, 5), joinKeys: ['Node//n1'], isNewlyRegistered: true })).toBe(10));
  it('not while a related one waits for its owner', () => {
    const lost: Known = {
      activity: activityOf('c1/pod', { heard: [25] }),
      observations: [],
      root: { ...own, isKnown: false },
    };
    expect(closesIn({ heard: eachTwenty(40, 5), related: [lost] })).toBeUndefined();
  });
});

it('a large activity is read whole once in a while: half a minute for each 20 kB', () => {
  expect(inWords(decide({ heard: [25], committed: 30, bytes: 60_000 }))).toBe('wait 60 s: rest');
  expect(inWords(decide({ heard: [25], committed: 90, bytes: 60_000 }))).toBe('commit');
  expect(inWords(decide({ heard: [25], committed: 30, bytes: 19_999 }))).toBe('commit');
});

describe('read those it is related to', () => {
  it('once nothing else is to be waited for', () =>
    expect(step({ related: undefined })).toBe('read-related'));
  it('not before', () => expect(step({ heard: [0], related: undefined })).toBe('wait 20 s: loud'));
});

describe('wait for those it is related to', () => {
  const related = (told: Told, root: Root | undefined = undefined): Known => ({
    activity: activityOf('c1/node', told),
    observations: [],
    root,
  });
  const elsewhere: Root = { key: 'c1/app', family: 'app', isKnown: true };
  const node: Root = { key: 'c1/node', family: 'node', isKnown: true };
  const loud = related({ heard: [0] });

  it('one is loud', () => expect(step({ related: [loud] })).toBe('wait 20 s: related'));
  it('all are quiet', () => expect(step({ related: [related({ heard: [20] }, node)] })).toBe('commit'));
  it('one is loud, and has been for five minutes', () =>
    expect(step({ related: [related({ heard: eachTwenty(300, 0) })] })).toBe('commit'));
  it('of one nothing came since its commit', () =>
    expect(step({ related: [related({ heard: [5], committed: 2 })] })).toBe('commit'));
  it('others are to be merged into one', () =>
    expect(step({ related: [related({ heard: [20], merges: ['c1/pod'] }, node)] })).toBe(
      'wait 10 s: related',
    ));
  it('one is a part of another, into which nobody has merged it yet', () =>
    expect(step({ related: [related({ heard: [20] }, elsewhere)] })).toBe('wait 40 s: related'));
  it('nobody has described the object of one', () =>
    expect(step({ related: [related({ heard: [45] }, { ...node, isKnown: false })] })).toBe(
      'wait 15 s: related',
    ));
  it('one is so old that nobody has asked whose it is', () =>
    expect(step({ related: [related({ heard: [30] }, undefined)] })).toBe('commit'));
  it('the longest of several', () =>
    expect(step({ related: [related({ heard: [15] }), loud, related({ heard: [30] })] })).toBe(
      'wait 20 s: related',
    ));

  it('for a minute at most, from when this one went quiet', () =>
    expect(step({ heard: [75], related: [loud] })).toBe('wait 5 s: related'));
  it('no longer after that', () => expect(step({ heard: [80], related: [loud] })).toBe('commit'));
  it('for a minute at most beyond the max wait where this one is loud itself', () =>
    expect(step({ heard: eachTwenty(345, 5), related: [loud] })).toBe('wait 15 s: related'));
  it('no longer after that, however loud both are', () =>
    expect(step({ heard: eachTwenty(360, 0), related: [loud] })).toBe('commit'));
});

describe('whether it matters whose an activity is', () => {
  const matters = (told: Told) => needsRoot(activityOf('c1/web', told), now, defaultThresholds);
  it('for its first minute', () => expect(matters({ heard: [59] })).toBe(true));
  it('no longer after that', () => expect(matters({ heard: [60] })).toBe(false));
  it('not where nothing waits', () => expect(matters({ heard: [5], committed: 2 })).toBe(false));
});

describe('how long something of an activity has been waiting', () => {
  const age = (told: Told) => ageOf(activityOf('c1/web', told), now, defaultThresholds);
  it('since it began', () => expect(age({ heard: eachTwenty(90, 10) })).toBe(90));
  it('since the last silence, which is more than 21 s', () => {
    expect(age({ heard: [51, 30] })).toBe(51);
    expect(age({ heard: [52, 30] })).toBe(30);
  });
  it('since the commit', () => expect(age({ heard: [70, 50, 30], committed: 60 })).toBe(50));
  it('not at all', () => expect(age({ heard: [70], committed: 60 })).toBe(0));
});
