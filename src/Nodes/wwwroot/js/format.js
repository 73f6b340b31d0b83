// Numbers, sizes and times as people read them.
const plural = new Intl.PluralRules('en');

export const count = (n, one, many = `${one}s`) => `${n.toLocaleString('en')} ${plural.select(n) === 'one' ? one : many}`;

export function bytes(n) {
  if (n < 1000) return `${n} B`;
  const units = ['kB', 'MB', 'GB'];
  let value = n / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** "5 minutes ago", "in 2 hours", or the date once that says more. */
export function when(iso, now = Date.now()) {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return '';
  const seconds = Math.round((at - now) / 1000);
  const size = Math.abs(seconds);
  if (size < 45) return seconds > 5 ? 'in a moment' : 'just now';
  if (size < 3600) return relative.format(Math.round(seconds / 60), 'minute');
  if (size < 86400) return relative.format(Math.round(seconds / 3600), 'hour');
  if (size < 7 * 86400) return relative.format(Math.round(seconds / 86400), 'day');
  return new Date(at).toLocaleDateString('en', { day: 'numeric', month: 'short', year: 'numeric' });
}

export const clock = (iso) => new Date(iso).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

/** A short badge for a document's format. */
export function kind(document) {
  const ending = /\.([a-z0-9]{1,5})$/i.exec(document.name ?? '')?.[1]?.toUpperCase();
  const known = { MARKDOWN: 'MD', HTM: 'HTML', JSONL: 'JSONL', TEXT: 'TXT' };
  return known[ending] ?? ending ?? (document.mediaType ?? '').split(/[/+.-]/).pop().slice(0, 5).toUpperCase() ?? '';
}
