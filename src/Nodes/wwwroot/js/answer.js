// An answer's text as elements: paragraphs of plain text, with each [n] as a citation.
import { clear, h } from './dom.js';
import { tooltip } from './tooltip.js';

const marker = /\[(\d{1,3})\]/g;

/** Splits text into strings and citation numbers: "Yes [1]." gives ["Yes ", 1, "."]. */
export function pieces(text) {
  const found = [];
  let from = 0;
  for (const match of text.matchAll(marker)) {
    if (match.index > from) found.push(text.slice(from, match.index));
    found.push(Number(match[1]));
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push(text.slice(from));
  return found;
}

export const where = (citation) => (citation.page ? `${citation.title}, page ${citation.page}` : citation.title);

/** A button that opens the source of `citation`. */
export function citationButton(citation, onOpen, text = String(citation.n)) {
  const button = h('button', {
    class: 'cite',
    type: 'button',
    onclick: () => onOpen(citation, button),
    data: { n: citation.n },
    aria: { label: `Source ${citation.n}: ${where(citation)}`, expanded: 'false', controls: 'source' },
  }, text);
  tooltip(button, where(citation), citation.quote ?? '');
  return button;
}

/**
 * Renders the text into `element`. A number without a citation (yet) is shown, but opens nothing.
 * @param unsupported the sentences that no passage supports, as `{ start, end }` in the text: they are marked
 */
export function renderAnswer(element, text, citations, onOpen, unsupported = []) {
  const byNumber = Map.groupBy(citations, (citation) => citation.n);
  clear(element).append(...[...text.matchAll(/[^\n](?:[^\n]|\n(?!\n))*/g)].filter(([paragraph]) => paragraph.trim()).map((match) => {
    let before = '';
    let at = match.index;
    return h('p', {}, pieces(match[0]).flatMap((piece) => {
      if (typeof piece === 'string') {
        before = piece;
        at += piece.length;
        return marked(piece, at - piece.length, unsupported);
      }
      at = text.indexOf(']', at) + 1;
      const candidates = byNumber.get(piece);
      return candidates ? citationButton(closest(candidates, before), onOpen) : h('span', { class: 'cite' }, String(piece));
    }));
  }));
}

/** A piece of the text that begins at `start`, with what lies in one of the spans marked. */
function marked(piece, start, spans) {
  const parts = [];
  let from = 0;
  for (const span of spans) {
    const left = Math.max(from, span.start - start);
    const right = Math.min(piece.length, span.end - start);
    if (left >= right) continue;
    if (left > from) parts.push(piece.slice(from, left));
    parts.push(h('mark', { class: 'unsupported', title: 'No passage of the documents supports this sentence.' }, piece.slice(left, right)));
    from = right;
  }
  if (from < piece.length) parts.push(piece.slice(from));
  return parts;
}

/** Of several spans of one passage, the one that shares most words with what the number stands behind. */
export function closest(citations, text) {
  if (citations.length === 1) return citations[0];
  const words = (of) => of.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const said = new Set(words(text));
  const shared = citations.map((citation) => {
    const quoted = words(citation.quote ?? '');
    return quoted.filter((word) => said.has(word)).length / Math.max(1, quoted.length);
  });
  return citations[shared.indexOf(Math.max(...shared))];
}
