// Waiting between attempts: doubling, bounded, with jitter so that a restarted node is not met by everybody at once.
export class Backoff {
  #attempt = 0;

  constructor({ first = 300, most = 15000 } = {}) {
    this.first = first;
    this.most = most;
  }

  reset() {
    this.#attempt = 0;
  }

  /** Milliseconds to wait before the next attempt. */
  next() {
    const whole = Math.min(this.most, this.first * 2 ** this.#attempt++);
    return whole * (0.5 + Math.random() / 2);
  }

  wait(signal) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.next());
      signal?.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
    });
  }
}
