// The search view. Results show while the words are typed; an older search never overwrites a newer one.
import { api } from './api.js';
import { byId, clear, debounce, h } from './dom.js';
import { count } from './format.js';

export class SearchView {
  #source;
  #running = null;
  #query = byId('search-query');
  #mode = byId('search-mode');

  constructor(source) {
    this.#source = source;
    const typed = debounce(280, () => this.run());
    this.#query.addEventListener('input', typed);
    this.#mode.addEventListener('change', () => this.run());
    byId('search-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.run();
    });
  }

  focus() {
    this.#query.focus();
    this.#query.select();
  }

  clear() {
    this.#running?.abort();
    this.#state('');
    clear(byId('results'));
  }

  async run() {
    this.#running?.abort();
    const running = (this.#running = new AbortController());
    const q = this.#query.value.trim();
    if (!q) return this.clear();
    try {
      const found = await api.search({ q, k: 20, mode: this.#mode.value }, { signal: running.signal });
      if (running.signal.aborted) return;
      clear(byId('results')).append(...found.passages.map((passage) => this.#result(passage)));
      const said = found.passages.length
        ? `${count(found.passages.length, 'passage')} in ${Math.max(1, Math.round(found.tookMs))} ms`
        : 'Nothing found. Try other words, or search by meaning.';
      this.#state(found.partial ? `${said} A part of the documents could not be searched just now; there may be more.` : said);
    } catch (error) {
      if (error.name === 'AbortError') return;
      clear(byId('results'));
      this.#state(error.detail ?? error.message);
    }
  }

  #state(text) {
    byId('search-state').textContent = text;
  }

  #result(passage) {
    const opener = h('button', {
      type: 'button',
      onclick: () => this.#source.show({ ...passage, quote: passage.text }, { opener }),
      aria: { expanded: 'false', controls: 'source' },
    }, passage.title || passage.document);
    const headings = (passage.headings ?? []).filter((heading) => heading !== passage.title);
    return h('li', { class: 'result' },
      h('h2', {}, opener, passage.page ? h('span', { class: 'page' }, `Page ${passage.page}`) : null),
      headings.length ? h('p', { class: 'path' }, headings.join(' › ')) : null,
      h('p', { class: 'passage folded' }, highlighted(passage.text, passage.highlights ?? []).map(dense)));
  }
}

/** A result is a glance: empty lines only take room in it. */
const dense = (part) => (typeof part === 'string' ? part.replace(/\n{2,}/g, '\n') : part);

/** The text as strings and <mark>s. Highlights are relative to the text; what does not fit is left out. */
export function highlighted(text, highlights) {
  const parts = [];
  let at = 0;
  for (const { start, end } of [...highlights].sort((a, b) => a.start - b.start)) {
    if (start < at || end <= start || end > text.length) continue;
    parts.push(text.slice(at, start), h('mark', {}, text.slice(start, end)));
    at = end;
  }
  parts.push(text.slice(at));
  return parts;
}
