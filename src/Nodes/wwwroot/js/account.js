// Who is asking: a token where the node wants one; on an open node, the role to look at things with.
import { api, identity, signInNeeded } from './api.js';
import { ask } from './dialog.js';
import { byId, clear, h } from './dom.js';

const administrator = 'admin';

export class Account {
  #asking = false;
  #onChange;
  roles = [];

  /** Whether documents may be added, changed and deleted; the node decides, the page only hides what it would refuse. */
  get mayWrite() {
    return identity.role ? identity.role === administrator : this.roles.includes(administrator);
  }

  /** @param onChange is called when the identity has changed: everything on screen may be somebody else's now */
  constructor(onChange) {
    this.#onChange = onChange;
    signInNeeded.addEventListener('needed', () => this.#signIn());
    byId('view-as').addEventListener('change', (event) => {
      identity.role = event.target.value || null;
      onChange();
    });
    byId('sign-out').addEventListener('click', () => {
      identity.token = null;
      onChange();
      this.#signIn();
    });
  }

  async load() {
    // The whole set of roles, not the narrowed one: asked without the header that narrows.
    const narrowed = identity.role;
    identity.role = null;
    const request = api.me();
    identity.role = narrowed;
    const me = await request;
    this.roles = me.roles ?? [];
    if (narrowed && (!me.open || !this.roles.includes(narrowed))) identity.role = null;
    this.#show(me);
    return me;
  }

  #show(me) {
    document.documentElement.toggleAttribute('data-reader', !this.mayWrite);
    byId('view-as-row').hidden = !me.open || this.roles.length < 2;
    clear(byId('view-as')).append(h('option', { value: '' }, 'all roles'), ...this.roles.map((role) => h('option', { value: role, selected: role === identity.role }, role)));
    byId('account').hidden = me.open;
    byId('user').textContent = me.open ? '' : me.user;
    clear(byId('upload-readers')).append(h('option', { value: '' }, 'everyone'), ...this.roles.map((role) => h('option', { value: role }, role)));
  }

  async #signIn() {
    if (this.#asking) return;
    this.#asking = true;
    const field = h('input', { class: 'field', type: 'password', autocomplete: 'off', required: true, aria: { label: 'Access token' } });
    const token = await ask({
      title: 'Sign in',
      body: [h('p', {}, identity.token ? 'The node did not accept this token. Enter another one.' : 'This node asks for an access token. It is kept in this tab only.'), field],
      confirm: 'Sign in',
      accept: () => field.value.trim(),
    });
    this.#asking = false;
    if (!token) return;
    identity.token = token;
    this.#onChange();
  }
}
