// The source panel: the extracted text of a document version, with the cited span marked and in view.
//
// Spans are UTF-16 offsets into that text, which are JavaScript's own string offsets. Of a long document only the
// surroundings are put on screen; the rest follows on request.
import { api } from './api.js';
import { announce, complain } from './announce.js';
import { byId, clear, h, icon, iconButton } from './dom.js';
import { hideTooltip } from './tooltip.js';

const around = 8000;
const kept = 6;

export class SourcePanel {
  #panel = byId('source');
  #texts = new Map();
  #group = [];
  #shown = null;
  #opener = null;
  #loading = null;

  get isOpen() {
    return !this.#panel.hidden;
  }

  /**
   * @param span {document, version, start, end, title, page, quote, n?}; without start the text is shown from its beginning
   * @param group the citations to step through; @param opener gets the focus back
   * @param onRate takes what a reader thinks of the span, where that can be kept
   */
  async show(span, { group = [], opener = null, onRate = null } = {}) {
    hideTooltip();
    this.#loading?.abort();
    const loading = (this.#loading = new AbortController());
    this.#group = group;
    this.#opener = opener ?? this.#opener;
    this.#shown = span;
    this.#markOpener();
    this.#frame(span, onRate);
    this.#panel.hidden = false;
    byId('source-title').focus();
    const body = byId('source-text');
    try {
      const source = await this.#text(span.document, span.version, loading.signal);
      if (loading.signal.aborted) return;
      this.#fill(body, source, span);
      if (span.n) announce(`Source ${span.n}, ${span.title}. ${span.quote ?? ''}`);
    } catch (error) {
      if (error.name === 'AbortError') return;
      clear(body).append(
        h('div', { class: 'notice bad' }, icon('alert'), h('span', {}, error.status === 404 ? 'This version of the document is no longer there, or not for you.' : error.detail ?? error.message)),
        span.quote ? h('p', { class: 'text' }, h('mark', {}, span.quote)) : '');
    } finally {
      body.removeAttribute('aria-busy');
    }
  }

  close() {
    if (!this.isOpen) return false;
    this.#loading?.abort();
    this.#panel.hidden = true;
    clear(this.#panel);
    this.#shown = null;
    this.#markOpener();
    if (this.#opener?.isConnected) this.#opener.focus();
    this.#opener = null;
    return true;
  }

  #markOpener() {
    for (const opened of document.querySelectorAll('[aria-controls="source"][aria-expanded="true"]')) opened.setAttribute('aria-expanded', 'false');
    if (this.#shown) this.#opener?.setAttribute('aria-expanded', 'true');
  }

  #frame(span, onRate) {
    const headings = (span.headings ?? []).filter((heading) => heading !== span.title);
    const at = this.#group.indexOf(span);
    const step = (by) => this.show(this.#group[at + by], { group: this.#group, onRate });
    clear(this.#panel).append(
      h('div', { class: 'source-head' },
        h('h2', { id: 'source-title', tabindex: '-1' }, span.title || span.document),
        iconButton('close', 'Close the source (Esc)', () => this.close()),
        h('div', { class: 'meta' },
          span.n ? h('span', { class: 'cite' }, String(span.n)) : null,
          span.page ? h('span', {}, `Page ${span.page}`) : null,
          headings.length ? h('span', {}, headings.join(' › ')) : null,
          h('span', {}, `Version ${span.version}`)),
        h('div', { class: 'source-steps' },
          this.#group.length > 1 && at >= 0
            ? [
              iconButton('prev', 'Previous passage', () => step(-1), { disabled: at === 0 }),
              h('span', {}, `Passage ${at + 1} of ${this.#group.length}`),
              iconButton('next', 'Next passage', () => step(1), { disabled: at === this.#group.length - 1 }),
            ]
            : null,
          onRate ? this.#rating(span, onRate) : null)),
      h('div', { class: 'source-text', id: 'source-text', tabindex: '0', role: 'region', aria: { label: 'Text of the document', busy: 'true' } },
        h('p', { class: 'stage busy' }, 'Loading')));
  }

  #rating(span, onRate) {
    const rate = async (rating, pressed) => {
      try {
        await onRate(span, rating);
        for (const button of buttons) button.setAttribute('aria-pressed', String(button === pressed));
        announce('Thank you. It is kept with the answer.');
      } catch (error) {
        complain(error);
      }
    };
    const buttons = [['up', 'It supports the statement'], ['down', 'It does not support the statement']].map(([rating, label]) => {
      const button = iconButton(rating, label, () => rate(rating, button), { aria: { pressed: 'false' } });
      return button;
    });
    return h('div', { class: 'rating', role: 'group', aria: { label: 'Does the passage support the statement?' } }, h('span', {}, 'Supports it?'), buttons);
  }

  async #text(document, version, signal) {
    const key = `${document}@${version}`;
    if (!this.#texts.has(key)) {
      this.#texts.set(key, await api.text(document, version, { signal }));
      if (this.#texts.size > kept) this.#texts.delete(this.#texts.keys().next().value);
    }
    return this.#texts.get(key);
  }

  /** Forgets the texts: somebody else reads now. */
  forget() {
    this.#texts.clear();
    this.close();
  }

  #fill(body, source, span) {
    const marks = marksIn(source.text, span, this.#group);
    const start = marks.find((mark) => mark.active)?.start ?? 0;
    let from = lineStart(source.text, start - around);
    let to = lineEnd(source.text, (marks.find((mark) => mark.active)?.end ?? 0) + around);
    const draw = () => {
      clear(body);
      if (from > 0) body.append(this.#more('Show what comes before', () => {
        const height = body.scrollHeight;
        from = lineStart(source.text, from - 4 * around);
        draw();
        body.scrollTop += body.scrollHeight - height;
      }));
      body.append(textOf(source, marks, from, to));
      if (to < source.text.length) body.append(this.#more('Show what follows', () => {
        to = lineEnd(source.text, to + 4 * around);
        const top = body.scrollTop;
        draw();
        body.scrollTop = top;
      }));
    };
    draw();
    body.querySelector('mark:not(.other)')?.scrollIntoView({ block: 'center' });
  }

  #more(label, onclick) {
    return h('button', { class: 'button quiet small more', type: 'button', onclick }, label);
  }
}

/** The span to show, and the group's other spans in the same text, sorted and without overlap (the shown one wins). */
function marksIn(text, span, group) {
  if (!(span.end > span.start)) return [];
  const others = group
    .filter((other) => other !== span && other.document === span.document && other.version === span.version)
    .map(({ start, end }) => ({ start, end, active: false }));
  const marks = [];
  for (const mark of [{ start: span.start, end: span.end, active: true }, ...others]) {
    const fits = mark.end <= text.length && marks.every((taken) => mark.end <= taken.start || mark.start >= taken.end);
    if (fits) marks.push(mark);
  }
  return marks.sort((a, b) => a.start - b.start);
}

/** text[from..to] as text nodes, with the marks between them. */
function textOf({ text }, marks, from, to) {
  const element = h('div', { class: 'text' });
  let at = from;
  for (const mark of marks) {
    if (mark.start < from || mark.end > to) continue;
    element.append(text.slice(at, mark.start), h('mark', { class: mark.active ? '' : 'other' }, text.slice(mark.start, mark.end)));
    at = mark.end;
  }
  element.append(text.slice(at, to));
  return element;
}

const lineStart = (text, at) => (at <= 0 ? 0 : text.lastIndexOf('\n', at) + 1);

function lineEnd(text, at) {
  if (at >= text.length) return text.length;
  const end = text.indexOf('\n', at);
  // A text without lines is cut where a character ends.
  if (end < 0 || end > at + around) return /[\uD800-\uDBFF]/.test(text[at - 1]) ? at + 1 : at;
  return end;
}
