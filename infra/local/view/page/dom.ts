/** Elements of the page. Everything it shows was written by others, so text goes in as text, never as HTML. */

type Prop = string | ((event: Event) => void) | undefined;

/** `text` and `class`, custom properties by `--name`, listeners by `onclick`; anything else is an attribute. Undefined is left out. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Readonly<Record<string, Prop>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined) continue;
    if (typeof value === 'function') element.addEventListener(key.slice(2), value);
    else if (key === 'text') element.textContent = value;
    else if (key === 'class') element.className = value;
    else if (key.startsWith('--')) element.style.setProperty(key, value);
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

export const button = (
  props: Readonly<Record<string, Prop>>,
  ...children: readonly (Node | string)[]
): HTMLButtonElement => make('button', { type: 'button', ...props }, ...children);

/** What page.html has. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`no ${type.name} #${id}`);
  return element;
}

/** The nearest element around what an event is about. */
export const closest = (event: Event, selector: string): HTMLElement | null =>
  event.target instanceof Element ? event.target.closest<HTMLElement>(selector) : null;

/** What a key does by a table of them; with Ctrl, Alt or Meta it is the browser's. */
export const actOf = <T>(acts: Readonly<Record<string, T>>, event: KeyboardEvent): T | undefined =>
  !event.ctrlKey && !event.metaKey && !event.altKey && Object.hasOwn(acts, event.key)
    ? acts[event.key]
    : undefined;

/** Says it to whoever listens to the page instead of reading it. */
export function announce(text: string): void {
  byId('said', HTMLDivElement).textContent = text;
}

export const plural = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

/** The busiest services have a colour each, the others share the last. */
export const HUES = 8;
export const hueOf = (service: number): string => `var(--c${Math.min(service, HUES - 1)})`;
