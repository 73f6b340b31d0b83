// One WebSocket to the node, kept open: reconnects by itself and notices a connection that has died in silence.
//
// Events: 'state' (online, connecting, offline), 'open' after each connection, 'frame' with the parsed frame.
// A frame sent while there is no connection is not kept here: who sent it knows best whether to send it again.
import { identity } from './api.js';
import { Backoff } from './backoff.js';

const pingEvery = 20000;
const silentFor = 45000;

export class Connection extends EventTarget {
  #socket = null;
  #backoff = new Backoff();
  #retry = null;
  #heard = 0;
  #state = 'connecting';
  #failures = 0;
  #stopped = false;

  constructor() {
    super();
    addEventListener('online', () => this.#hurry());
    addEventListener('offline', () => this.#socket?.close());
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.#hurry());
    setInterval(() => this.#watch(), 5000);
  }

  get state() {
    return this.#state;
  }

  connect() {
    this.#stopped = false;
    clearTimeout(this.#retry);
    const url = new URL('api/v1/ws', document.baseURI);
    url.hash = '';
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    if (identity.role) url.searchParams.set('roles', identity.role);
    const protocols = ['ragcluster.v1'];
    if (identity.token) protocols.push(`bearer.${identity.token}`);
    const socket = new WebSocket(url, protocols);
    this.#socket = socket;
    socket.onopen = () => {
      this.#heard = this.#pinged = performance.now();
      this.#failures = 0;
      this.#turn('online');
      this.dispatchEvent(new Event('open'));
    };
    socket.onmessage = (message) => {
      if (socket !== this.#socket) return;
      this.#heard = performance.now();
      this.#backoff.reset();
      this.dispatchEvent(new CustomEvent('frame', { detail: JSON.parse(message.data) }));
    };
    socket.onclose = () => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      if (this.#stopped) return;
      this.#turn(++this.#failures > 2 ? 'offline' : 'connecting');
      this.#retry = setTimeout(() => this.connect(), this.#backoff.next());
    };
  }

  /** Connects anew, as somebody else or with other roles. */
  reconnect() {
    this.close();
    this.#backoff.reset();
    this.connect();
  }

  close() {
    this.#stopped = true;
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#turn('connecting');
  }

  /** Whether the frame went out. */
  send(frame) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #pinged = 0;

  #watch() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    const now = performance.now();
    if (now - this.#heard > silentFor) {
      // A half-open connection never reports its end: leave it, and do not wait for its closing handshake.
      const dead = this.#socket;
      dead.onclose = null;
      dead.close();
      this.#socket = null;
      this.#turn('connecting');
      this.connect();
    } else if (now - this.#heard > pingEvery && now - this.#pinged > pingEvery) {
      this.#pinged = now;
      this.send({ type: 'ping' });
    }
  }

  #hurry() {
    if (this.#socket || this.#stopped) return;
    this.#backoff.reset();
    this.connect();
  }

  #turn(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new Event('state'));
  }
}
