// One tooltip for the page: the quote behind a citation, on hover and on keyboard focus. Esc hides it.
import { byId, clear, h } from './dom.js';

export function tooltip(target, title, text) {
  const tip = byId('tip');
  const show = () => {
    clear(tip).append(h('strong', {}, title), h('span', {}, text));
    tip.hidden = false;
    const anchor = target.getBoundingClientRect();
    const size = tip.getBoundingClientRect();
    const left = Math.max(12, Math.min(anchor.left + anchor.width / 2 - size.width / 2, innerWidth - size.width - 12));
    const above = anchor.top - size.height - 8;
    tip.style.translate = `${Math.round(left)}px ${Math.round(above < 8 ? anchor.bottom + 8 : above)}px`;
  };
  target.setAttribute('aria-describedby', 'tip');
  target.addEventListener('pointerenter', (event) => event.pointerType === 'mouse' && show());
  target.addEventListener('focus', () => target.matches(':focus-visible') && show());
  for (const leave of ['pointerleave', 'blur', 'click']) target.addEventListener(leave, hideTooltip);
}

export function hideTooltip() {
  byId('tip').hidden = true;
}
