// Keys that work everywhere. Nothing here is the only way to do a thing.
import { ask } from './dialog.js';
import { byId, h } from './dom.js';
import { hideTooltip } from './tooltip.js';

const typing = (target) => target.matches?.('input, textarea, select, [contenteditable]');

export function startKeys({ onEscape, onSearch, onNew }) {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || document.querySelector('dialog[open]')) return;
    if (event.key === 'Escape') {
      if (!byId('tip').hidden) return hideTooltip();
      onEscape();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const action = { '/': onSearch, n: onNew, '?': showShortcuts }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  byId('shortcuts').addEventListener('click', showShortcuts);
}

function showShortcuts() {
  const rows = [
    [['Enter'], 'send the question'],
    [['Shift', 'Enter'], 'start a new line'],
    [['Esc'], 'close the source, or stop the answer'],
    [['/'], 'search the documents'],
    [['N'], 'start a new conversation'],
    [['?'], 'show this list'],
  ];
  ask({
    title: 'Keyboard shortcuts',
    body: [h('dl', {}, rows.flatMap(([keys, does]) => [h('dt', {}, keys.flatMap((key) => [h('kbd', {}, key), ' '])), h('dd', {}, does)]))],
    confirm: 'Close',
    cancel: null,
  });
}
