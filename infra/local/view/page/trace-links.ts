/** Links between traces, as buttons that lead there. */
import { formatTime } from '../describe-span.ts';
import type { TraceLink } from '../page-data.ts';
import { button, make } from './dom.ts';
import { type LinkEnds, linkWords } from './link-words.ts';
import { type TraceView, traceById } from './page-state.ts';
import { reveal } from './reveal.ts';

/** Both ways; a pair of traces that link to each other for one reason is said once. */
export function linksOf(trace: TraceView): HTMLElement[] {
  const { links = [], kind = '' } = trace.facts;
  const there = links.map(({ traceId, spanId, reason }) =>
    linkItem({ reason, kind, isBack: false }, traceId, spanId),
  );
  const back = trace.linkedFrom
    .filter(({ trace: from, link }) => !links.some((own) => isSame(own, from, link)))
    .map(({ trace: from, link }) =>
      linkItem({ reason: link.reason, kind, isBack: true }, from.facts.id, link.from),
    );
  return [...there, ...back];
}

const isSame = (own: TraceLink, from: TraceView, { reason }: TraceLink) =>
  own.traceId === from.facts.id && own.reason === reason;

export const linkItem = (ends: LinkEnds, traceId: string, spanId: string): HTMLElement =>
  make('li', {}, `${linkWords(ends)} `, linkTo(traceId, spanId));

function linkTo(traceId: string, spanId: string): HTMLElement {
  const target = traceById.get(traceId);
  if (target === undefined)
    return make('span', { class: 'dim' }, make('code', { text: traceId }), ' (not on this page)');
  const { name, object = '', start } = target.facts;
  const at = formatTime(BigInt(start) * 1_000_000n);
  return button({
    class: 'jump',
    text: `${[name, object].filter((part) => part !== '').join(' ')}, ${at} UTC`,
    onclick: () => reveal(traceId, spanId),
  });
}
