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

/** Renders the text into `element`. A number without a citation (yet) is shown, but opens nothing. */
export function renderAnswer(element, text, citations, onOpen) {
  const byNumber = Map.groupBy(citations, (citation) => citation.n);
  clear(element).append(...text.split(/\n{2,}/).filter((paragraph) => paragraph.trim()).map((paragraph) => {
    let before = '';
    return h('p', {}, pieces(paragraph).map((piece) => {
      if (typeof piece === 'string') return (before = piece);
      const candidates = byNumber.get(piece);
      return candidates ? citationButton(closest(candidates, before), onOpen) : h('span', { class: 'cite' }, String(piece));
    }));
  }));
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
