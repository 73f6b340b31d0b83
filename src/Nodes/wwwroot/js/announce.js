// Words for screen readers, and short messages for everybody.
import { byId, h, iconButton } from './dom.js';

/** Said once by a screen reader, politely. Answers come here whole, never token by token. */
export function announce(text) {
  const region = byId('announcer');
  region.textContent = '';
  requestAnimationFrame(() => { region.textContent = text; });
}

let shown = null;

/** A message that leaves by itself; errors stay longer. */
export function toast(text, ms = 6000) {
  shown?.remove();
  const element = h('div', { class: 'toast' }, h('span', {}, text), iconButton('close', 'Dismiss', () => element.remove()));
  shown = element;
  byId('toasts').append(element);
  setTimeout(() => element.remove(), ms);
}

export const complain = (error) => toast(error.detail ?? error.message ?? String(error), 10000);
