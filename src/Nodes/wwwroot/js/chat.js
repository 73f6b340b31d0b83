// The chat view: the turns of the conversation on screen, and the composer below them.
import { announce } from './announce.js';
import { byId, clear, h, icon, perFrame } from './dom.js';
import { isOpen } from './transcript.js';
import { TurnView } from './turn.js';

const nearEnd = 90;

export class ChatView {
  #session;
  #source;
  #views = new Map();
  #following = true;
  #connection;

  constructor(session, source, connection) {
    this.#session = session;
    this.#source = source;
    this.#connection = connection;
    this.transcript = byId('transcript');
    this.turns = byId('turns');
    this.question = byId('question');
    const redraw = perFrame(() => this.#redraw());
    session.addEventListener('opened', () => this.#open());
    session.addEventListener('turn', (event) => {
      this.#stale.add(event.detail.turn);
      this.#tell(event.detail);
      redraw();
    });
    session.addEventListener('trouble', (event) => this.#notice(event.detail.detail));
    connection.addEventListener('state', () => this.#showConnection());
    this.transcript.addEventListener('scroll', () => {
      const { scrollTop, scrollHeight, clientHeight } = this.transcript;
      this.#following = scrollHeight - scrollTop - clientHeight < nearEnd;
    });
    this.#startComposer();
  }

  #stale = new Set();

  focus() {
    this.question.focus();
  }

  /** Stops the answer that is being written; false if there is none. */
  stop() {
    const turn = this.#session.transcript.openTurn;
    if (!turn || turn.cancelling) return false;
    this.#session.cancel(turn);
    return true;
  }

  #startComposer() {
    const { question } = this;
    const send = byId('send');
    const ready = () => {
      send.disabled = question.value.trim() === '';
      if (CSS.supports('field-sizing', 'content')) return;
      // Browsers that do not size the field by its text: measure it.
      question.style.height = 'auto';
      question.style.height = `${question.scrollHeight}px`;
    };
    question.addEventListener('input', ready);
    question.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      byId('composer').requestSubmit();
    });
    byId('composer').addEventListener('submit', (event) => {
      event.preventDefault();
      const text = question.value.trim();
      if (!text) return;
      if (this.#session.transcript.openTurn) {
        this.#notice('One question at a time: wait for the answer, or stop it with Esc.');
        return;
      }
      question.value = '';
      ready();
      this.#clearNotice();
      this.#following = true;
      this.#session.ask(text);
    });
    byId('stop').addEventListener('click', () => {
      this.stop();
      this.focus();
    });
    ready();
  }

  #open() {
    this.#views.clear();
    this.#stale.clear();
    clear(this.turns);
    this.#clearNotice();
    for (const turn of this.#session.transcript.turns) this.#add(turn);
    this.#following = true;
    this.#settle();
  }

  #add(turn) {
    const view = new TurnView(turn, this.#session, (of, citation, opener) => this.#cite(of, citation, opener));
    this.#views.set(turn.id, view);
    this.turns.append(view.element);
  }

  #redraw() {
    for (const turn of this.#stale) {
      if (this.#views.has(turn.id)) this.#views.get(turn.id).update();
      else if (this.#session.transcript.turns.includes(turn)) this.#add(turn);
    }
    this.#stale.clear();
    this.#settle();
  }

  #settle() {
    const { transcript } = this.#session;
    byId('welcome').hidden = transcript.turns.length > 0;
    byId('stop').hidden = !transcript.openTurn;
    byId('send').hidden = Boolean(transcript.openTurn);
    if (this.#following && transcript.turns.length) this.transcript.scrollTop = this.transcript.scrollHeight;
  }

  #cite(turn, citation, opener) {
    this.#source.show(citation, { group: turn.citations, opener, onRate: (shown, rating) => this.#session.rateCitation(turn, shown, rating) });
  }

  /** For screen readers: what stage an answer has reached, and then the whole of it, once. */
  #tell({ turn, frameType }) {
    if (frameType === 'accepted') announce('Searching the documents.');
    if (frameType === 'completed') announce(`Answer: ${turn.answer.replace(/\[(\d+)\]/g, ' (source $1) ')}`);
    if (frameType === 'failed') announce(`The answer failed. ${turn.failure}`);
    if (frameType === 'cancelled') announce('Stopped.');
    if (!isOpen(turn)) this.#clearNotice();
  }

  #notice(text) {
    const notice = byId('chat-notice');
    notice.hidden = !text;
    clear(notice);
    if (text) notice.append(icon('alert'), h('span', {}, text));
  }

  // What was said of the last question goes; that there is no connection is still so.
  #clearNotice() {
    this.#notice(null);
    this.#showConnection();
  }

  #showConnection() {
    const lost = this.#connection.state === 'offline';
    if (lost) this.#notice('No connection to the node. What you ask is sent as soon as it is back.');
    else if (this.#connection.state === 'online') this.#notice(null);
  }
}
