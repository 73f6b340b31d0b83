// The list of conversations in the sidebar: newest first, renamed in place.
import { api } from './api.js';
import { complain } from './announce.js';
import { byId, clear, debounce, h, iconButton } from './dom.js';
import { when } from './format.js';

export class ConversationList {
  #list = byId('conversations');
  #current = null;
  #known = [];
  #renaming = false;
  #onTitles;

  /** @param onTitles is called when the titles may have changed */
  constructor(onTitles) {
    this.#onTitles = onTitles;
    this.refresh = debounce(120, () => this.#load());
  }

  clear() {
    this.#known = [];
    this.#draw();
  }

  /** Marks the conversation on screen. */
  select(id) {
    this.#current = id;
    for (const link of this.#list.querySelectorAll('a')) {
      if (link.dataset.id === id) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  }

  title(id) {
    return this.#known.find((conversation) => conversation.id === id)?.title ?? null;
  }

  async #load() {
    try {
      const { conversations } = await api.conversations();
      this.#known = conversations;
      this.#onTitles();
      if (!this.#renaming) this.#draw();
    } catch (error) {
      if (error.status !== 401 && error.status !== 0) complain(error);
    }
  }

  #draw() {
    const focused = document.activeElement?.closest?.('#conversations a')?.dataset.id;
    clear(this.#list).append(...this.#known.map((conversation) => this.#row(conversation)));
    if (!this.#known.length) this.#list.append(h('li', { class: 'none' }, 'None yet'));
    this.select(this.#current);
    if (focused) [...this.#list.querySelectorAll('a')].find((link) => link.dataset.id === focused)?.focus();
  }

  #row(conversation) {
    const row = h('li', { class: 'conversation' },
      h('a', { href: `#/chat/${encodeURIComponent(conversation.id)}`, title: `${conversation.title}, ${when(conversation.changedAt)}`, data: { id: conversation.id } },
        h('span', {}, conversation.title)),
      iconButton('pencil', 'Rename', () => this.#rename(row, conversation), { class: 'icon-button rename', aria: { label: `Rename ${conversation.title}` } }));
    return row;
  }

  #rename(row, conversation) {
    this.#renaming = true;
    let done = false;
    const field = h('input', { class: 'field', value: conversation.title, maxlength: '200', aria: { label: 'Title of the conversation' } });
    const finish = async (keep) => {
      if (done) return;
      done = true;
      this.#renaming = false;
      const title = field.value.trim();
      if (keep && title && title !== conversation.title) {
        try {
          await api.rename(conversation.id, title);
          conversation.title = title;
        } catch (error) {
          complain(error);
        }
      }
      this.#draw();
      [...this.#list.querySelectorAll('a')].find((link) => link.dataset.id === conversation.id)?.focus();
      this.refresh();
    };
    field.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') finish(true);
      if (event.key === 'Escape') {
        event.stopPropagation();
        finish(false);
      }
    });
    field.addEventListener('blur', () => finish(true));
    clear(row).append(field);
    field.focus();
    field.select();
  }
}
