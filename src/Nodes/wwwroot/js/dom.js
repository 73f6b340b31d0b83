// Elements are made here and nowhere else. Text always becomes a text node: what a document or an answer says
// can never turn into markup, a link or an image. (The page's policy also forbids every way to parse a string.)

const properties = new Set(['value', 'checked', 'disabled', 'hidden', 'open', 'selected', 'className', 'max']);

/** h('button', { class: 'x', onclick, aria: { label } }, 'text', element, null) */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'aria') for (const [key, text] of Object.entries(value)) text != null && element.setAttribute(`aria-${key}`, text);
    else if (name === 'data') Object.assign(element.dataset, value);
    else if (properties.has(name)) element[name] = value;
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const svgNamespace = 'http://www.w3.org/2000/svg';

/** One of the symbols at the top of index.html. Decoration: the control around it carries the name. */
export function icon(name) {
  const svg = document.createElementNS(svgNamespace, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(svgNamespace, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

export const iconButton = (name, label, onclick, more = {}) =>
  h('button', { class: 'icon-button', type: 'button', title: label, onclick, ...more, aria: { label, ...more.aria } }, icon(name));

export const byId = (id) => document.getElementById(id);

export function clear(element) {
  element.replaceChildren();
  return element;
}

/** Calls `action` once, when calls have paused for `ms`. */
export function debounce(ms, action) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...args), ms);
  };
}

/** At most one call per frame; the last arguments win. */
export function perFrame(action) {
  let waiting = null;
  return (...args) => {
    if (waiting === null) requestAnimationFrame(() => {
      const last = waiting;
      waiting = null;
      action(...last);
    });
    waiting = args;
  };
}
