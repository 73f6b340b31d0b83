// Light, dark, or whatever the system prefers; the choice is kept in this browser.
import { clear, icon } from './dom.js';
import { remember, recall } from './memory.js';

const next = { auto: 'light', light: 'dark', dark: 'auto' };
const icons = { auto: 'auto', light: 'sun', dark: 'moon' };
const names = { auto: 'as the system', light: 'light', dark: 'dark' };

export function startTheme(button) {
  let theme = recall('theme') ?? 'auto';
  const show = () => {
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    clear(button).append(icon(icons[theme]));
    button.setAttribute('aria-label', `Theme: ${names[theme]}. Change to ${names[next[theme]]}.`);
    button.title = `Theme: ${names[theme]}`;
  };
  button.addEventListener('click', () => {
    theme = next[theme] ?? 'auto';
    remember('theme', theme === 'auto' ? null : theme);
    show();
  });
  show();
}
