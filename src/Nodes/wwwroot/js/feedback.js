// The comment that may go with a thumb.
import { complain } from './announce.js';
import { h } from './dom.js';

export function commentForm(rating, send, leave) {
  const text = h('textarea', { class: 'field', id: 'comment', maxlength: '2000', rows: '2' });
  const close = () => {
    form.remove();
    leave();
  };
  const form = h('form', {
    class: 'comment',
    onsubmit: async (event) => {
      event.preventDefault();
      const comment = text.value.trim();
      try {
        if (comment) await send(comment);
        close();
      } catch (error) {
        complain(error);
      }
    },
    onkeydown: (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      close();
    },
  },
  h('label', { for: 'comment' }, rating === 'up' ? 'What was good about it? (optional)' : 'What was wrong or missing? (optional)'),
  text,
  h('div', {},
    h('button', { class: 'button quiet small', type: 'button', onclick: close }, 'No comment'),
    h('button', { class: 'button small', type: 'submit' }, 'Send comment')));
  requestAnimationFrame(() => text.focus());
  return form;
}
