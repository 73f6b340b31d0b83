// Puts the page together: who may what, the connection, the views, and which of them is on screen.
import { Account } from './account.js';
import { complain } from './announce.js';
import { ChatView } from './chat.js';
import { ConversationList } from './conversations.js';
import { describeKnowledge, DocumentsView } from './documents.js';
import { byId, debounce } from './dom.js';
import { startDrawer } from './drawer.js';
import { follow } from './event-stream.js';
import { startKeys } from './keys.js';
import { currentRoute, go, rewrite, showView, titled } from './router.js';
import { SearchView } from './search.js';
import { ChatSession } from './session.js';
import { Connection } from './socket.js';
import { SourcePanel } from './source.js';
import { startTheme } from './theme.js';
import { Uploads } from './uploads.js';

startTheme(byId('theme'));

const connection = new Connection();
const session = new ChatSession(connection);
const source = new SourcePanel();
const conversations = new ConversationList(() => name());
const account = new Account(() => {
  forget();
  start();
});
const chat = new ChatView(session, source, connection);
const search = new SearchView(source);
const documents = new DocumentsView(source, () => account.roles);
const uploads = new Uploads(() => account.mayWrite, () => documents.load());
const drawer = startDrawer();

let following = null;

/** Somebody else looks at the page now, or the same with other roles: nothing of before may stay on screen or be sent. */
function forget() {
  connection.close();
  session.reset();
  source.forget();
  documents.clear();
  conversations.clear();
  search.clear();
}

async function start() {
  following?.abort();
  following = new AbortController();
  connection.close();
  try {
    await account.load();
  } catch (error) {
    if (error.status === 401) return;
    complain(error);
    // The node may still be starting: the socket's own attempts tell when it is there.
    connection.addEventListener('open', () => start(), { once: true });
    connection.reconnect();
    return;
  }
  connection.reconnect();
  conversations.refresh();
  describeKnowledge();
  documents.load();
  if (byId('search-query').value) search.run();
  let again = false;
  const described = debounce(1000, describeKnowledge);
  follow('events', {
    signal: following.signal,
    onOpen: () => {
      // What happened while nobody listened is in the list, not in the stream.
      if (again) documents.load();
      again = true;
    },
    onEvent: ({ type, data }) => {
      if (type !== 'document') return;
      const document = JSON.parse(data);
      documents.update(document);
      uploads.update(document);
      if (document.status === 'indexed' || document.status === 'removed') described();
    },
  });
  await route();
}

async function route() {
  const here = currentRoute();
  drawer.close();
  showView(here);
  if (here.view !== 'chat') source.close();
  conversations.select(here.view === 'chat' ? here.id : null);
  name();
  const { transcript } = session;
  if (here.view !== 'chat' || (here.id ? here.id === transcript.id : !transcript.exists)) return;
  if (!here.id) return session.startNew();
  try {
    await session.open(here.id);
  } catch (error) {
    complain(error);
    if (error.status === 404) go('chat');
  }
}

/** "Ask" leads back to the conversation on screen. */
function pointAsk() {
  const { id, exists } = session.transcript;
  document.querySelector('.nav a[data-view="chat"]').href = exists ? `#/chat/${encodeURIComponent(id)}` : '#/chat';
}

/** The title of the window: the conversation's where one is on screen. */
function name() {
  const here = currentRoute();
  titled(here.view, here.view === 'chat' && session.transcript.id ? conversations.title(session.transcript.id) ?? session.transcript.title : null);
}

function startConversation() {
  session.startNew();
  source.close();
  if (location.hash !== '#/chat') go('chat');
  drawer.close();
  chat.focus();
}

session.addEventListener('opened', () => {
  source.close();
  pointAsk();
  name();
});
session.addEventListener('listed', () => {
  const { id } = session.transcript;
  const here = currentRoute();
  if (id && here.view === 'chat' && here.id !== id) rewrite('chat', id);
  pointAsk();
  conversations.select(id);
  conversations.refresh();
});
session.addEventListener('turn', (event) => {
  if (event.detail.frameType === 'completed') conversations.refresh();
});

connection.addEventListener('state', () => {
  const words = { online: 'Connected', connecting: 'Connecting', offline: 'No connection' };
  for (const element of document.querySelectorAll('[data-connection]')) {
    element.dataset.state = connection.state;
    element.textContent = words[connection.state];
  }
});

for (const id of ['new-conversation', 'new-conversation-top']) byId(id).addEventListener('click', startConversation);
byId('skip').addEventListener('click', (event) => {
  event.preventDefault();
  byId('main').focus();
});
addEventListener('hashchange', () => route());
startKeys({
  onEscape: () => drawer.close() || source.close() || chat.stop(),
  onSearch: () => {
    go('search');
    showView(currentRoute());
    search.focus();
  },
  onNew: startConversation,
});

await start();
if (currentRoute().view === 'chat' && matchMedia('(hover: hover)').matches) chat.focus();
