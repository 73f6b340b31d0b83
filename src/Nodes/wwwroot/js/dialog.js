// Modal dialogs on the platform's own <dialog>: it traps focus, closes on Esc and gives focus back.
import { h } from './dom.js';

/**
 * Shows a dialog and resolves to what `accept` returns when it is confirmed, or to null when it is left.
 * `build` gets nothing and returns the nodes between the title and the buttons.
 */
export function ask({ title, body = [], confirm, danger = false, cancel = 'Cancel', accept = () => true }) {
  return new Promise((resolve) => {
    let result = null;
    const form = h('form', { method: 'dialog', onsubmit: (event) => {
      event.preventDefault();
      result = accept();
      dialog.close();
    } },
    h('h2', { id: 'dialog-title' }, title),
    body,
    h('div', { class: 'buttons' },
      cancel && h('button', { class: 'button', type: 'button', onclick: () => dialog.close() }, cancel),
      h('button', { class: `button ${danger ? 'danger' : 'primary'}`, type: 'submit' }, confirm)));
    const dialog = h('dialog', { aria: { labelledby: 'dialog-title' }, onclose: () => {
      dialog.remove();
      resolve(result);
    } }, form);
    document.body.append(dialog);
    dialog.showModal();
  });
}
