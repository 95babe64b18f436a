/** Copies to the clipboard, and says so. */
import { announce, button, make } from './dom.ts';

/** A press copies the text; what it is is said in words. */
export const copyButton = (text: string, what: string): HTMLButtonElement =>
  button({ class: 'copy', text: 'Copy', 'aria-label': `Copy ${what}`, onclick: () => void copy(text, what) });

export async function copy(text: string, what: string): Promise<void> {
  const pressed = document.activeElement;
  const copied = (await copyNow(text)) || copyTheOldWay(text);
  announce(copied ? `${what} copied` : 'The browser refused to copy');
  if (!copied || !(pressed instanceof HTMLButtonElement)) return;
  const before = pressed.textContent;
  if (before === 'Copied') return;
  pressed.textContent = 'Copied';
  setTimeout(() => {
    pressed.textContent = before;
  }, 1200);
}

async function copyNow(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Pages from plain HTTP have no clipboard; this still works there. */
function copyTheOldWay(text: string): boolean {
  const focused = document.activeElement;
  const field = make('textarea', { class: 'unseen' });
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return copied;
}
