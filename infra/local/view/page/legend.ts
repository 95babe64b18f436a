/** Which colour is which service; a click picks some, and all other bars fade. */
import { button, byId, HUES, hueOf, make } from './dom.ts';
import { drawMinimap } from './minimap.ts';
import { index, traces } from './page-state.ts';

/** Places in the legend. */
const picked = new Set<number>();
/** A sheet of its own: rows that are made later fade as well. */
const fading = new CSSStyleSheet();

export const isDimmed = (service: number): boolean =>
  picked.size > 0 && !picked.has(Math.min(service, HUES - 1));

function pick(place: number, pressed: HTMLButtonElement): void {
  if (!picked.delete(place)) picked.add(place);
  pressed.setAttribute('aria-pressed', String(picked.has(place)));
  const kept = [...picked].map((each) => `[data-s="${each}"]`).join(', ');
  fading.replaceSync(picked.size === 0 ? '' : `.mark-bar:not(${kept}), .wait { opacity: 0.13 !important; }`);
  for (const trace of traces) if (trace.open) drawMinimap(trace);
}

export function drawLegend(): void {
  if (traces.length === 0) return;
  document.adoptedStyleSheets = [fading];
  const { services } = index;
  const names = services.slice(0, services.length > HUES ? HUES - 1 : HUES).map((name) => name || 'unknown');
  if (services.length > HUES) names.push(`${services.length - HUES + 1} others`);
  const items = names.map((name, place) => {
    const item: HTMLButtonElement = button(
      { 'aria-pressed': 'false', title: `Only ${name} in colour`, onclick: () => pick(place, item) },
      make('i', { '--hue': hueOf(place) }),
      name,
    );
    return make('li', {}, item);
  });
  byId('legend', HTMLUListElement).append(
    ...items,
    make('li', {}, make('i', { class: 'error' }), '✗ error'),
    make('li', {}, make('i', { class: 'instant', '--hue': 'var(--muted)' }), 'instant'),
    make('li', { title: 'What the change waited for' }, make('i', { class: 'path' }), 'critical path'),
  );
}
