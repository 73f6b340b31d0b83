// One question and its answer on screen.
import { renderAnswer, where } from './answer.js';
import { announce, complain, toast } from './announce.js';
import { clear, h, icon, iconButton } from './dom.js';
import { commentForm } from './feedback.js';
import { count, when } from './format.js';
import { isOpen } from './transcript.js';

export class TurnView {
  #session;
  #onCite;
  #turn;
  #drawn = '';
  #rated;

  constructor(turn, session, onCite) {
    this.#session = session;
    this.#onCite = onCite;
    this.#turn = turn;
    const titleId = `q-${turn.id}`;
    this.stage = h('p', { class: 'stage' });
    this.answer = h('div', { class: 'answer' });
    this.notice = h('div', { hidden: true });
    this.sources = h('ul', { class: 'sources', aria: { label: 'Sources' } });
    this.actions = h('div', { class: 'turn-actions', role: 'group', aria: { label: 'This answer' } });
    this.element = h('article', { class: 'turn', aria: { labelledby: titleId }, data: { question: turn.id } },
      h('h2', { class: turn.of ? 'question again' : 'question', id: titleId }, turn.of ? `Asked again: ${turn.text}` : turn.text),
      this.stage, this.answer, this.notice, this.sources, this.actions);
    this.update();
  }

  update() {
    const turn = this.#turn;
    const streaming = isOpen(turn);
    this.element.dataset.status = turn.status;
    this.#showStage(turn);
    this.answer.classList.toggle('streaming', streaming && turn.answer !== '');
    const text = `${turn.citations.length}|${turn.unsupported?.length ?? 0}|${turn.answer}`;
    if (text !== this.#drawn) {
      this.#drawn = text;
      renderAnswer(this.answer, turn.answer, turn.citations, (citation, opener) => this.#onCite(turn, citation, opener), turn.unsupported);
    }
    this.answer.hidden = turn.answer === '';
    if (this.#state === turn.status) this.#rated?.(turn.rating);
    else this.#settle(turn);
  }

  #state = null;

  #showStage(turn) {
    this.stage.hidden = !isOpen(turn) || turn.answer !== '';
    this.stage.classList.toggle('busy', isOpen(turn));
    if (turn.cancelling) this.stage.textContent = 'Stopping';
    else if (turn.status === 'sending') this.stage.textContent = 'Waiting for the node';
    else if (turn.restarted) this.stage.textContent = 'Starting the answer over';
    else if (turn.sources) this.stage.textContent = turn.sources.length ? `Reading ${count(turn.sources.length, 'passage')}` : 'No passage found';
    else if (turn.query && turn.query !== turn.text) this.stage.textContent = `Searching for “${turn.query}”`;
    else this.stage.textContent = 'Searching the documents';
  }

  /** What shows once, when the state changes: notice, sources, actions. */
  #settle(turn) {
    this.#state = turn.status;
    this.#showNotice(turn);
    clear(this.sources).append(...(turn.status === 'completed' ? this.#sourceCards(turn) : []));
    this.sources.hidden = !this.sources.hasChildNodes();
    clear(this.actions);
    this.actions.hidden = isOpen(turn);
    if (!isOpen(turn)) this.actions.append(...this.#actionButtons(turn));
    this.#rated?.(turn.rating);
  }

  #showNotice(turn) {
    const shown = {
      failed: ['notice bad', turn.failure ?? 'The answer failed.'],
      cancelled: ['notice', turn.answer ? 'Stopped before the answer was complete.' : 'Stopped.'],
      completed: turn.partial ? ['notice', 'A part of the documents could not be searched just then. Ask again for an answer from all of them.']
        : turn.abstained ? ['notice', 'Nothing is cited. Other words may help, or a document that is not here yet.'] : null,
    }[turn.status];
    this.notice.hidden = !shown;
    if (!shown) return;
    this.notice.className = shown[0];
    clear(this.notice).append(icon('alert'), h('span', {}, shown[1]));
  }

  #sourceCards(turn) {
    const first = new Map();
    for (const citation of turn.citations) if (!first.has(citation.n)) first.set(citation.n, citation);
    return [...first.values()].sort((a, b) => a.n - b.n).map((citation) => {
      const button = h('button', {
        type: 'button',
        title: where(citation),
        onclick: () => this.#onCite(turn, citation, button),
        data: { n: citation.n },
        aria: { expanded: 'false', controls: 'source' },
      },
      h('span', { class: 'cite', aria: { hidden: 'true' } }, String(citation.n)),
      h('strong', {}, citation.title),
      h('small', {}, [citation.page && `Page ${citation.page}`, citation.quote].filter(Boolean).join(' · ')));
      return h('li', {}, button);
    });
  }

  #actionButtons(turn) {
    const buttons = [];
    this.#rated = null;
    if (turn.answer) buttons.push(iconButton('copy', 'Copy the answer', () => this.#copy(turn)));
    if (turn.status === 'completed') {
      const up = iconButton('up', 'Good answer', () => this.#rate('up'), { aria: { pressed: 'false' } });
      const down = iconButton('down', 'Poor answer', () => this.#rate('down'), { aria: { pressed: 'false' } });
      this.#rated = (rating) => {
        up.setAttribute('aria-pressed', String(rating === 'up'));
        down.setAttribute('aria-pressed', String(rating === 'down'));
      };
      buttons.push(up, down);
    }
    buttons.push(iconButton('again', 'Answer again', () => this.#session.ask(turn.text, turn.id)));
    buttons.push(h('time', { class: 'when', datetime: turn.askedAt }, when(turn.askedAt)));
    return buttons;
  }

  async #copy(turn) {
    const sources = turn.citations.map((citation) => `[${citation.n}] ${where(citation)}`);
    try {
      await navigator.clipboard.writeText([turn.answer, ...new Set(sources)].join('\n'));
      toast('Copied with its sources.', 2500);
    } catch {
      toast('The browser did not allow copying. Select the text instead.');
    }
  }

  async #rate(rating) {
    this.element.querySelector('.comment')?.remove();
    try {
      await this.#session.rate(this.#turn, rating);
    } catch (error) {
      complain(error);
      return;
    }
    announce('Thank you for the rating.');
    const opener = document.activeElement;
    this.element.append(commentForm(rating, async (comment) => {
      await this.#session.rate(this.#turn, rating, comment);
      toast('Thank you. Your comment is kept with the answer.', 3500);
    }, () => opener?.focus()));
  }
}
