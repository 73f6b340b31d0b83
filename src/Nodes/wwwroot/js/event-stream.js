// Server-sent events read through fetch, because EventSource cannot send a token. Reconnects, and goes on after the
// last event seen.
import { open } from './api.js';
import { Backoff } from './backoff.js';

/** Splits the text of a stream into events: feed() returns the complete ones. */
export class EventParser {
  #rest = '';

  feed(text) {
    const events = [];
    const all = this.#rest + text;
    // A carriage return at the end may be the first half of a line's end.
    const half = all.endsWith('\r') ? '\r' : '';
    const blocks = all.slice(0, all.length - half.length).replace(/\r\n?/g, '\n').split('\n\n');
    this.#rest = blocks.pop() + half;
    for (const block of blocks) {
      const event = { type: 'message', id: null, data: [] };
      for (const line of block.split('\n')) {
        const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
        if (field === 'data') event.data.push(value);
        else if (field === 'event') event.type = value;
        else if (field === 'id') event.id = value;
      }
      if (event.data.length) events.push({ ...event, data: event.data.join('\n') });
    }
    return events;
  }
}

/** Calls `onEvent` for each event until the signal aborts; `onOpen` after each (re)connection. */
export async function follow(path, { signal, onEvent, onOpen = () => {} }) {
  const backoff = new Backoff();
  let last = null;
  while (!signal.aborted) {
    try {
      const response = await open(path, { accept: 'text/event-stream', signal, more: last ? { 'Last-Event-ID': last } : {} });
      onOpen();
      const parser = new EventParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        backoff.reset();
        for (const event of parser.feed(value)) {
          last = event.id ?? last;
          try {
            onEvent(event);
          } catch (error) {
            // One event that cannot be shown is no reason to lose the others.
            reportError(error);
          }
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      // Not there, or not for us: asking again changes nothing until somebody signs in.
      if (error.status >= 400 && error.status < 500 && error.status !== 429) return;
    }
    await backoff.wait(signal);
  }
}
