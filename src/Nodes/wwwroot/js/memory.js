// What the browser keeps for us. Storage may be closed (private windows, policies): then nothing is kept, and nothing breaks.
function attempt(action) {
  try {
    return action();
  } catch {
    return null;
  }
}

export const recall = (key, store = () => localStorage) => attempt(() => store().getItem(key));

export const remember = (key, value, store = () => localStorage) =>
  attempt(() => (value === null ? store().removeItem(key) : store().setItem(key, value)));

/** For the life of this tab only: tokens and the narrowed role. */
export const tab = () => sessionStorage;
