// The conversation on screen, over a connection that may come and go.
//
// Events: 'opened' when another conversation is shown, 'turn' with the turn that changed, 'listed' when the list of
// conversations is out of date, 'trouble' with an error that belongs to no turn.
import { api } from './api.js';
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
      if (error.name !== 'AbortError') throw error;
    }
  }

  ask(text, regenerateOf = null) {
    const turn = this.transcript.ask(crypto.randomUUID(), text, regenerateOf);
    const frame = { type: 'ask', id: turn.id, text };
    if (this.transcript.id) frame.conversation = this.transcript.id;
    if (regenerateOf) frame.regenerateOf = regenerateOf;
    this.#unaccepted.set(turn.id, { frame, transcript: this.transcript, sent: this.#connection.send(frame) });
    this.#changed(turn);
    return turn;
  }

  cancel(turn) {
    if (!isOpen(turn)) return;
    turn.cancelling = true;
    if (this.#unaccepted.get(turn.id)?.sent === false) {
      // It never went out: there is nothing to stop at the node.
      this.#unaccepted.delete(turn.id);
      turn.status = 'cancelled';
    } else if (this.transcript.id) {
      this.#connection.send({ type: 'cancel', id: turn.id, conversation: this.transcript.id });
    }
    this.#changed(turn);
  }

  async rate(turn, rating, comment) {
    await api.feedback(this.transcript.id, { question: turn.id, rating, comment: comment || undefined });
    turn.rating = rating;
    this.#changed(turn);
  }

  #show(transcript) {
    this.#loading?.abort();
    this.#early = null;
    this.transcript = transcript;
    this.dispatchEvent(new Event('opened'));
  }

  #catchUp() {
    const { transcript } = this;
    if (transcript.id) this.#connection.send({ type: 'resume', conversation: transcript.id, after: transcript.seq });
    for (const waiting of this.#unaccepted.values()) waiting.sent = this.#connection.send(waiting.frame) || waiting.sent;
    for (const turn of transcript.turns) if (turn.cancelling && isOpen(turn)) this.cancel(turn);
  }

  #receive(frame) {
    if (frame.type === 'heartbeat') return;
    if (frame.type === 'error') return this.#fault(frame);
    const waiting = frame.id ? this.#unaccepted.get(frame.id) : null;
    if (waiting) {
      this.#unaccepted.delete(frame.id);
      waiting.transcript.id ??= frame.conversation;
      this.dispatchEvent(new Event('listed'));
      const asked = waiting.transcript.turn(frame.id);
      if (asked?.cancelling) this.#connection.send({ type: 'cancel', id: frame.id, conversation: frame.conversation });
    }
    if (frame.conversation === this.#early?.id) {
      this.#early.frames.push(frame);
      return;
    }
    if (frame.conversation !== this.transcript.id) return;
    const turn = this.transcript.apply(frame);
    if (!turn) return;
    if (frame.type === 'question') this.dispatchEvent(new Event('listed'));
    this.#changed(turn, frame.type);
  }

  #fault(frame) {
    const refused = frame.id ? this.#unaccepted.get(frame.id) : null;
    this.#unaccepted.delete(frame.id);
    const turn = frame.id ? (refused?.transcript ?? this.transcript).turn(frame.id) : null;
    if (turn && isOpen(turn)) {
      Object.assign(turn, { status: 'failed', failure: frame.detail ?? frame.code });
      this.#changed(turn, 'failed');
    } else {
      this.dispatchEvent(new CustomEvent('trouble', { detail: frame }));
    }
  }

  #changed(turn, frameType = null) {
    if (this.transcript.turns.includes(turn)) this.dispatchEvent(new CustomEvent('turn', { detail: { turn, frameType } }));
  }
}
