// The conversation on screen, over a connection that may come and go.
//
// Events: 'opened' when another conversation is shown, 'turn' with the turn that changed, 'listed' when the list of
// conversations is out of date, 'trouble' with an error that belongs to no turn.
import { api } from './api.js';
import { newId } from './ids.js';
import { Transcript, isOpen } from './transcript.js';

export class ChatSession extends EventTarget {
  #connection;
  /** Questions sent but not accepted, by id: sent again on a new connection. The id makes that harmless. */
  #unaccepted = new Map();
  /** Frames of a conversation that is being loaded. */
  #early = null;
  #loading = null;

  constructor(connection) {
    super();
    this.#connection = connection;
    this.transcript = new Transcript();
    connection.addEventListener('open', () => this.#catchUp());
    connection.addEventListener('frame', (event) => this.#receive(event.detail));
  }

  /** Forgets everything, also what was asked and not accepted yet. */
  reset() {
    this.#unaccepted.clear();
    this.startNew();
  }

  startNew() {
    this.#show(new Transcript());
  }

  async open(id) {
    this.#loading?.abort();
    const loading = (this.#loading = new AbortController());
    const early = (this.#early = { id, frames: [] });
    try {
      const transcript = Transcript.from(await api.conversation(id, { signal: loading.signal }));
      if (loading.signal.aborted) return;
      this.#early = null;
      for (const frame of early.frames) transcript.apply(frame);
      this.#show(transcript);
      this.#connection.send({ type: 'resume', conversation: id, after: transcript.seq });
    } catch (error) {
      if (this.#early === early) this.#early = null;
      if (error.name !== 'AbortError') throw error;
    }
  }

  ask(text, regenerateOf = null) {
    const { transcript } = this;
    // The page names a new conversation itself: asked twice because an answer to the asking was lost, it is still one.
    transcript.id ??= newId();
    const turn = transcript.ask(newId(), text, regenerateOf);
    const frame = { type: 'ask', id: turn.id, conversation: transcript.id, ...(regenerateOf ? { regenerateOf } : { text }) };
    this.#unaccepted.set(turn.id, { frame, transcript, sent: this.#connection.send(frame) ? 1 : 0 });
    this.#changed(turn);
    return turn;
  }

  cancel(turn) {
    if (!isOpen(turn)) return;
    turn.cancelling = true;
    if (this.#unaccepted.get(turn.id)?.sent === 0) {
      // It never went out: there is nothing to stop at the node.
      this.#unaccepted.delete(turn.id);
      turn.status = 'cancelled';
    } else {
      this.#connection.send({ type: 'cancel', id: turn.id, conversation: this.transcript.id });
    }
    this.#changed(turn);
  }

  async rate(turn, rating, comment) {
    await api.feedback(this.transcript.id, { question: turn.id, rating, comment: comment || undefined });
    turn.rating = rating;
    this.#changed(turn);
  }

  /** What a reader thinks of one citation: does the passage support what it stands behind? */
  rateCitation(turn, citation, rating) {
    return api.feedback(this.transcript.id, { question: turn.id, rating, citation: citation.n });
  }

  #show(transcript) {
    this.#loading?.abort();
    this.#early = null;
    this.transcript = transcript;
    this.dispatchEvent(new Event('opened'));
  }

  #catchUp() {
    const { transcript } = this;
    if (transcript.exists) this.#connection.send({ type: 'resume', conversation: transcript.id, after: transcript.seq });
    for (const waiting of this.#unaccepted.values()) if (this.#connection.send(waiting.frame)) waiting.sent++;
    for (const turn of transcript.turns) if (turn.cancelling && isOpen(turn)) this.cancel(turn);
  }

  #receive(frame) {
    if (frame.type === 'heartbeat') return;
    if (frame.type === 'error') return this.#fault(frame);
    const waiting = frame.id ? this.#unaccepted.get(frame.id) : null;
    if (waiting) {
      this.#unaccepted.delete(frame.id);
      waiting.transcript.exists = true;
      this.dispatchEvent(new Event('listed'));
    }
    if (this.#early && frame.conversation === this.#early.id) {
      this.#early.frames.push(frame);
      return;
    }
    if (frame.conversation !== this.transcript.id) return;
    const turn = this.transcript.apply(frame);
    if (frame.type === 'renamed') this.dispatchEvent(new Event('listed'));
    if (!turn) return;
    if (frame.type === 'question') this.dispatchEvent(new Event('listed'));
    this.#changed(turn, frame.type);
  }

  #fault(frame) {
    const refused = frame.id ? this.#unaccepted.get(frame.id) : null;
    if (refused && (frame.code === 'unavailable' || frame.code === 'timeout')) {
      // What became of it is not known; the same id makes asking again harmless.
      setTimeout(() => this.#unaccepted.has(frame.id) && this.#connection.send(refused.frame), 1000);
      return;
    }
    this.#unaccepted.delete(frame.id);
    if (refused?.sent > 1 && refused.transcript === this.transcript && frame.code === 'invalid') {
      // It had been accepted before the connection was lost: what became of it is in the conversation.
      this.open(this.transcript.id);
      return;
    }
    if (frame.code === 'unavailable' && frame.conversation === this.transcript.id) {
      // The node stopped following; it asks to be told from where to go on.
      setTimeout(() => this.#connection.send({ type: 'resume', conversation: this.transcript.id, after: this.transcript.seq }), 1000);
      return;
    }
    const turn = frame.id ? (refused?.transcript ?? this.transcript).turn(frame.id) : null;
    if (turn && refused) {
      Object.assign(turn, { status: 'failed', failure: frame.detail });
      this.#changed(turn, 'failed');
      return;
    }
    if (turn?.cancelling) {
      turn.cancelling = false;
      this.#changed(turn);
    }
    this.dispatchEvent(new CustomEvent('trouble', { detail: frame }));
  }

  #changed(turn, frameType = null) {
    if (this.transcript.turns.includes(turn)) this.dispatchEvent(new CustomEvent('turn', { detail: { turn, frameType } }));
  }
}
