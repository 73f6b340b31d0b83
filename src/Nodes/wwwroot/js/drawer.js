// On narrow screens the sidebar is a drawer over the page.
import { byId, h } from './dom.js';

export function startDrawer() {
  const menu = byId('menu');
  const sidebar = byId('sidebar');
  const veil = h('div', { class: 'veil', onclick: () => close() });

  function close() {
    if (!sidebar.classList.contains('open')) return false;
    sidebar.classList.remove('open');
    menu.setAttribute('aria-expanded', 'false');
    veil.remove();
    byId('main').inert = false;
    menu.focus();
    return true;
  }

  menu.addEventListener('click', () => {
    sidebar.classList.add('open');
    menu.setAttribute('aria-expanded', 'true');
    document.body.append(veil);
    byId('main').inert = true;
    sidebar.focus();
  });
  matchMedia('(max-width: 50rem)').addEventListener('change', close);
  return { close };
}
