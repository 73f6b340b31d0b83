// Who may read a document: everyone, or those with one of the roles ticked.
import { ask } from './dialog.js';
import { h } from './dom.js';

/** Resolves to the new list of roles, or null when the dialog is left. */
export function askReaders(document, knownRoles) {
  const roles = [...new Set([...knownRoles, ...(document.readers ?? [])])].sort();
  const boxes = roles.map((role) => h('input', { type: 'checkbox', value: role, checked: document.readers?.includes(role) ?? false }));
  const others = h('input', { class: 'field', autocomplete: 'off', placeholder: 'role, role' });
  return ask({
    title: 'Who may read it?',
    body: [
      h('p', {}, document.title || document.name),
      h('fieldset', {},
        h('legend', {}, 'Tick nothing to let everyone read it.'),
        boxes.map((box) => h('label', { class: 'check' }, box, box.value)),
        h('label', { class: 'labelled' }, 'Other roles', others)),
    ],
    confirm: 'Save',
    accept: () => [...boxes.filter((box) => box.checked).map((box) => box.value), ...others.value.split(',').map((role) => role.trim()).filter(Boolean)],
  });
}
