// A conversation as far as this page has seen it. Frames go in, in any repetition; the turns come out.
//
// `seq` is the last of the conversation's own sequence numbers seen: a frame at or below it was applied already,
// and after a reconnection the node is asked for what comes after it. So nothing is missed and nothing is doubled.

const ended = new Set(['completed', 'failed', 'cancelled']);

export const isOpen = (turn) => !ended.has(turn.status);

export class Transcript {
  constructor(id = null) {
    this.id = id;
    /** Whether the node knows this conversation yet. */
    this.exists = false;
    this.seq = 0;
    this.title = '';
    this.turns = [];
  }

  /** From the answer of GET conversations/{id}. */
  static from(view) {
    const transcript = new Transcript(view.id);
    transcript.exists = true;
    transcript.seq = view.seq ?? 0;
    transcript.title = view.title ?? '';
    transcript.turns = view.turns.map((turn) => ({ ...blank(turn.question, turn.text), ...turn, id: turn.question, answer: turn.answer ?? '', citations: turn.citations ?? [] }));
    return transcript;
  }

  turn(id) {
    return this.turns.find((turn) => turn.id === id) ?? null;
  }

  get openTurn() {
    return this.turns.findLast(isOpen) ?? null;
  }

  /** Adds a question that was not sent yet. */
  ask(id, text, of = null) {
    const turn = { ...blank(id, text), of, status: 'sending' };
    this.turns.push(turn);
    return turn;
  }

  /** Applies a frame; returns the turn it changed, or null. */
  apply(frame) {
    this.exists = true;
    // `accepted` answers this connection only: other subscribers' frames below its number may still be on their way.
    if (frame.type !== 'accepted' && typeof frame.seq === 'number') {
      if (frame.seq <= this.seq) return null;
      this.seq = frame.seq;
    }
    if (frame.type === 'question' && !this.turn(frame.id)) {
      const turn = { ...blank(frame.id, frame.text), of: frame.regenerateOf ?? null, askedAt: frame.at };
      this.turns.push(turn);
      return turn;
    }
    if (frame.type === 'started' || frame.type === 'renamed') this.title = frame.title;
    const turn = this.turn(frame.id ?? frame.question);
    if (!turn) return null;
    switch (frame.type) {
      case 'accepted':
      case 'question':
        if (turn.status === 'sending') turn.status = 'open';
        break;
      case 'begun':
        turn.query = frame.query;
        break;
      case 'sources':
        turn.sources = frame.passages ?? [];
        turn.partial = frame.partial ?? false;
        break;
      case 'delta':
        turn.answer += frame.text;
        break;
      case 'restarted':
        turn.answer = '';
        turn.restarted = true;
        break;
      case 'completed':
        Object.assign(turn, { status: 'completed', answer: frame.text, citations: frame.citations ?? [], abstained: frame.abstained ?? false, unsupported: frame.unsupported ?? [], model: frame.model });
        break;
      case 'failed':
        Object.assign(turn, { status: 'failed', failure: frame.detail ?? frame.code });
        break;
      case 'cancelled':
        turn.status = 'cancelled';
        break;
      case 'feedback':
        // A citation's rating is not the answer's.
        if (frame.citation == null) turn.rating = frame.rating;
        break;
      default:
        return null;
    }
    return turn;
  }
}

function blank(id, text) {
  return { id, text, of: null, askedAt: new Date().toISOString(), status: 'open', query: null, answer: '', citations: [], sources: null, unsupported: [], abstained: false, failure: null, rating: null, restarted: false };
}
