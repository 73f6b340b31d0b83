// The documents view: a page of the list at a time, kept up to date by the node's events.
import { api } from './api.js';
import { complain, toast } from './announce.js';
import { ask } from './dialog.js';
import { documentRow } from './document-row.js';
import { byId, clear, debounce, h, icon, perFrame } from './dom.js';
import { count } from './format.js';
import { askReaders } from './readers.js';

const pageSize = 50;

/** New documents come up by themselves until the list has this many rows; then they are counted, and shown on request. */
const mostLive = 200;

export class DocumentsView {
  #source;
  #roles;
  #rows = new Map();
  #next = null;
  #loading = null;
  #list = byId('documents');

  /** @param roles gives the roles that this page knows of */
  constructor(source, roles) {
    this.#source = source;
    this.#roles = roles;
    byId('documents-query').addEventListener('input', debounce(250, () => this.load()));
    byId('documents-status').addEventListener('change', () => this.load());
    byId('documents-new').addEventListener('click', () => this.load());
    byId('documents-more').addEventListener('click', () => this.load(this.#next));
  }

  get #filter() {
    return { q: byId('documents-query').value.trim(), status: byId('documents-status').value };
  }

  async load(after = null) {
    this.#loading?.abort();
    const loading = (this.#loading = new AbortController());
    try {
      const { documents, next } = await api.documents({ ...this.#filter, after, limit: pageSize }, { signal: loading.signal });
      if (loading.signal.aborted) return;
      if (!after) {
        this.#rows.clear();
        this.#unseen.clear();
        byId('documents-new').hidden = true;
        clear(this.#list);
      }
      for (const document of documents) this.#put(document, 'end');
      this.#next = next ?? null;
      byId('documents-more').hidden = !next;
      this.#showEmpty();
    } catch (error) {
      if (error.name !== 'AbortError' && error.status !== 401) complain(error);
    }
  }

  clear() {
    this.#loading?.abort();
    this.#changed.clear();
    this.#unseen.clear();
    this.#rows.clear();
    clear(this.#list);
    byId('knowledge').textContent = '';
  }

  /** A document has changed at the node. Many changes at once are drawn once. */
  update(document) {
    this.#changed.set(document.id, document);
    this.#draw();
  }

  #changed = new Map();
  #unseen = new Set();

  #draw = perFrame(() => {
    const { q, status } = this.#filter;
    for (const document of this.#changed.values()) {
      if (document.status === 'removed') this.#remove(document.id);
      else if (this.#rows.has(document.id)) this.#put(document);
      else if (!q && (!status || status === document.status)) {
        if (this.#rows.size < mostLive) this.#put(document, 'start');
        else this.#unseen.add(document.id);
      }
    }
    this.#changed.clear();
    this.#showEmpty();
    byId('documents-new').hidden = this.#unseen.size === 0;
    byId('documents-new').textContent = `Show ${count(this.#unseen.size, 'new document')}`;
  });

  #put(document, where) {
    const row = documentRow(document, {
      onOpen: (shown, opener) => this.#source.show({ document: shown.id, version: shown.version, title: shown.title || shown.name }, { opener }),
      onRetry: (failed) => this.#attempt(() => api.retryDocument(failed.id), 'It is tried again now.'),
      onReaders: (shared) => this.#changeReaders(shared),
      onDelete: (unwanted) => this.#delete(unwanted),
    });
    const old = this.#rows.get(document.id);
    if (old) {
      const focused = [...old.querySelectorAll('button')].findIndex((button) => button.matches(':focus'));
      old.replaceWith(row);
      if (focused >= 0) [...row.querySelectorAll('button')].at(Math.min(focused, row.querySelectorAll('button').length - 1)).focus();
    } else if (where === 'start') this.#list.prepend(row);
    else this.#list.append(row);
    this.#rows.set(document.id, row);
  }

  #remove(id) {
    this.#rows.get(id)?.remove();
    this.#rows.delete(id);
    this.#showEmpty();
  }

  #showEmpty() {
    const empty = byId('documents-empty');
    empty.hidden = this.#rows.size > 0;
    const { q, status } = this.#filter;
    clear(empty).append(icon('documents'), h('p', {}, q || status ? 'No document matches.' : 'No documents yet. Files can be dropped anywhere on this page.'));
  }

  async #attempt(action, done) {
    try {
      await action();
      if (done) toast(done, 3500);
    } catch (error) {
      complain(error);
    }
  }

  async #changeReaders(document) {
    const readers = await askReaders(document, this.#roles());
    if (readers === null) return;
    // The row follows by the node's event, as it does for everybody else who looks at it.
    await this.#attempt(() => api.changeReaders(document.id, readers));
  }

  async #delete(document) {
    const sure = await ask({
      title: 'Delete this document?',
      body: [h('p', {}, `“${document.title || document.name}” will no longer be found or cited. Answers given already keep their text.`)],
      confirm: 'Delete',
      danger: true,
    });
    if (!sure) return;
    await this.#attempt(async () => {
      await api.deleteDocument(document.id);
      this.#remove(document.id);
    });
  }
}

/** The line on the welcome screen: how much there is to ask about. */
export async function describeKnowledge() {
  try {
    const { documents, next } = await api.documents({ status: 'indexed', limit: 100 });
    const n = documents.length;
    byId('knowledge').textContent = n === 0 ? 'There are no documents yet.' : next ? `More than ${n} documents are ready.` : `${count(n, 'document')} ${n === 1 ? 'is' : 'are'} ready.`;
  } catch {
    byId('knowledge').textContent = '';
  }
}
