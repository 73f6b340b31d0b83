// Which view is on screen, from the address: #/chat, #/chat/{conversation}, #/search, #/documents.
import { byId } from './dom.js';

const views = { chat: 'Ask', search: 'Search', documents: 'Documents' };

export function currentRoute() {
  const [, view, id] = /^#\/(\w+)(?:\/(.+))?$/.exec(location.hash) ?? [];
  return views[view] ? { view, id: id ? decodeURIComponent(id) : null } : { view: 'chat', id: null };
}

export const go = (view, id = null) => {
  location.hash = id ? `#/${view}/${encodeURIComponent(id)}` : `#/${view}`;
};

/** Changes the address without going anywhere: a new conversation has got its id. */
export const rewrite = (view, id) => history.replaceState(null, '', `#/${view}/${encodeURIComponent(id)}`);

export function showView({ view }) {
  for (const name of Object.keys(views)) byId(`view-${name}`).hidden = name !== view;
  for (const link of document.querySelectorAll('.nav a')) {
    if (link.dataset.view === view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

export function titled(view, title) {
  const name = title || views[view];
  document.title = `${name} · RagCluster`;
  byId('here').textContent = name;
}
