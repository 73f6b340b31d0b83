// One document in the list: what it is, how far it is, why it failed, who may read it.
import { h, icon, iconButton } from './dom.js';
import { bytes, clock, count, kind, when } from './format.js';

/** The way of a document, in order, with the words that people see. */
export const steps = ['received', 'parsed', 'chunked', 'embedded', 'indexed'];

const names = { received: 'Received', parsed: 'Text read', chunked: 'Split up', embedded: 'Embedded', indexed: 'Ready', failed: 'Failed', removing: 'Being deleted', removed: 'Deleted' };

export const statusName = (status) => names[status] ?? status;
export const isWorking = (status) => steps.includes(status) && status !== 'indexed';

export function documentRow(document, { onOpen, onRetry, onReaders, onDelete }) {
  const title = document.title || document.name || document.id;
  const readable = document.status === 'indexed' || (document.chunks > 0 && document.status !== 'removing');
  const name = readable
    ? h('button', { class: 'name link', type: 'button', onclick: (event) => onOpen(document, event.currentTarget), aria: { expanded: 'false', controls: 'source' } }, title)
    : h('span', { class: 'name' }, title);
  return h('li', { class: 'document', data: { id: document.id, status: document.status } },
    h('span', { class: 'kind', aria: { hidden: 'true' } }, kind(document)),
    h('div', {}, name, about(document, title)),
    h('div', { class: 'doing' }, progress(document)),
    h('div', { class: 'actions writes' },
      document.status === 'failed' ? iconButton('again', 'Try again now', () => onRetry(document), { aria: { label: `Try again: ${title}` } }) : null,
      iconButton('people', 'Who may read it', () => onReaders(document), { aria: { label: `Who may read ${title}` } }),
      iconButton('trash', 'Delete', () => onDelete(document), { aria: { label: `Delete ${title}` }, disabled: document.status === 'removing' })),
    document.status === 'failed' ? reason(document) : null);
}

function about(document, title) {
  const facts = [
    title === document.name ? null : document.name,
    document.pages ? count(document.pages, 'page') : null,
    document.chunks ? count(document.chunks, 'passage') : null,
    document.bytes ? bytes(document.bytes) : null,
    document.version > 1 ? `version ${document.version}` : null,
    when(document.changedAt ?? document.receivedAt),
  ];
  return h('div', { class: 'about' },
    facts.filter(Boolean).map((fact) => h('span', {}, fact)),
    h('span', { class: 'readers' }, icon('eye'), document.readers?.length ? document.readers.join(', ') : 'everyone'));
}

function progress({ status }) {
  if (!isWorking(status)) {
    const look = status === 'indexed' ? 'indexed' : status === 'failed' ? 'failed' : 'working';
    return h('span', { class: `status ${look}` }, look === 'working' ? null : icon(look === 'indexed' ? 'check' : 'alert'), statusName(status));
  }
  return [h('span', { class: 'status working' }, statusName(status)), h('progress', { max: steps.length - 1, value: steps.indexOf(status) + 0.5, aria: { label: 'Progress' } })];
}

function reason(document) {
  return h('div', { class: 'reason notice bad' }, h('span', {},
    document.failureDetail || document.failureCode || 'No reason was given.',
    document.retryAt ? ` Next try at ${clock(document.retryAt)}.` : ''));
}
