// pprof_script: how the page /debug/fibers renews itself: it fetches fibers.json and leaks, and puts what it finds in
// the place of what the server has written. All that comes from fibers is set as text, never as markup.
#include "http/pprof_page.hpp"

namespace gossamer::inline v0::http::pprof {

constinit const std::string_view page_script = R"js(
'use strict';
(() => {
const STATES = ['waiting', 'syscall', 'runnable', 'running'];
const MOST_ROWS = 500, MOST_GROUPS = 50, MOST_HISTORY = 120, INTERVAL = 1000;
const $ = id => document.getElementById(id);
const form = $('choose');
const open = new Set();       // keys of <details> that the reader has opened
const history = [];           // counts by state
let last = null, paused = false, timer = 0, sort = form.elements.sort.value;

const make = (name, attributes, ...children) => {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
  e.append(...children.filter(c => c !== null && c !== ''));
  return e;
};
const duration = ns => {
  if (ns < 1e3) return ns + ' ns';
  if (ns < 1e6) return (ns / 1e3).toPrecision(3) + ' \u00b5s';
  if (ns < 1e9) return (ns / 1e6).toPrecision(3) + ' ms';
  if (ns < 60e9) return (ns / 1e9).toPrecision(3) + ' s';
  const s = Math.floor(ns / 1e9);
  return s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
};
// 90s, 1m30s, 250ms: as the server reads it.
const nanoseconds = text => {
  const units = {ns: 1, us: 1e3, '\u00b5s': 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9};
  let sum = 0;
  for (const [, n, unit] of text.matchAll(/([0-9.]+)(ns|us|\u00b5s|ms|s|m|h)/g)) sum += n * units[unit];
  return sum;
};
const line = l => `${l.function || '(unknown)'}${l.file ? ` ${l.file}:${l.line}` : l.module ? ' ' + l.module : ''}`;
// Of `void {anonymous}::f(int)` the `f`.
const shortName = name => {
  const end = name.search(/(?<!operator)\((?!anonymous)/);
  name = end < 0 ? name : name.slice(0, end);
  let depth = 0;
  for (let i = name.length - 1; i >= 0; i--) {
    depth += name[i] === '>' ? 1 : name[i] === '<' ? -1 : 0;
    if (name[i] === ' ' && depth === 0 && !name.slice(0, i).endsWith('(anonymous')) { name = name.slice(i + 1); break; }
  }
  return name.replace(/^gossamer::v0::/, '').replace(/^({anonymous}|\(anonymous namespace\))::/, '');
};
const shortLine = l => {
  const file = (l.file || l.module || '').replace(/.*\//, '') + (l.line ? ':' + l.line : '');
  return [shortName(l.function || ''), file].filter(t => t).join(' ');
};
const place = f => f.where ? shortLine(f.where) : f.stack.length ? shortLine(f.stack[0]) : '';
const state = f => f.state === 'waiting' ? f.reason : f.state;
const described = o => {
  let text = o.kind + (o.name ? ` "${o.name}"` : '');
  if (o.kind === 'chan' && o.cap !== undefined) text += ` ${o.len}/${o.cap}${o.closed ? ', closed' : ''}`;
  else if (o.readers) text += ` held by ${o.readers} ${o.readers === 1 ? 'reader' : 'readers'}`;
  return text;
};
const names = new Map();
const link = id => make('a', {href: '#f' + id}, `fiber ${id}` + (names.get(id) ? ` "${names.get(id)}"` : ''));
const badge = f => make('span', {class: 'state ' + f.state}, state(f));
const objects = f => {
  const parts = [];
  for (const o of [f.blocked_on, ...(f.or_on || [])].filter(o => o)) {
    const row = make('div', {}, described(o));
    if (o.owner) row.append(' held by ', link(o.owner));
    parts.push(row);
  }
  return parts;
};
const foldable = (key, summary, text) => {
  const d = make('details', {}, make('summary', {}, make('code', {}, summary || '(not known)')), make('pre', {}, text));
  d.open = open.has(key);
  d.addEventListener('toggle', () => d.open ? open.add(key) : open.delete(key));
  return d;
};

const matches = f => {
  const wanted = form.elements;
  if (wanted.state.value && f.state !== wanted.state.value) return false;
  if ((f.waited_ns || 0) < nanoseconds(wanted.min.value)) return false;
  const text = wanted.q.value.toLowerCase();
  if (!text) return true;
  const labels = Object.entries(f.labels || {}).map(([k, v]) => `${k}=${v}`);
  return [String(f.id), f.name || '', state(f), place(f), f.created_by ? shortLine(f.created_by) : '',
    f.blocked_on ? described(f.blocked_on) : '', ...labels].join('\n').toLowerCase().includes(text);
};
const orders = {
  id: (a, b) => a.id - b.id,
  name: (a, b) => (a.name || '').localeCompare(b.name || '') || a.id - b.id,
  state: (a, b) => state(a).localeCompare(state(b)) || a.id - b.id,
  wait: (a, b) => (b.waited_ns ?? -1) - (a.waited_ns ?? -1) || a.id - b.id,
};
const shownRow = (f, verdicts) => {
  const g = verdicts.get(f.id);
  const name = make('td', {}, f.name || (f.main ? 'main' : ''));
  for (const [k, v] of Object.entries(f.labels || {})) name.append(' ', make('span', {class: 'chip'}, `${k}=${v}`));
  const verdict = g && g.level !== 'none' ?
      make('span', {class: 'verdict ' + g.level, title: g.why}, g.level) : '';
  return make('tr', {id: 'f' + f.id},
    make('td', {class: 'number'}, String(f.id)), name, make('td', {}, badge(f)),
    make('td', {class: 'number'}, f.waited_ns === undefined ? '' : duration(f.waited_ns)),
    make('td', {}, ...objects(f)),
    make('td', {}, foldable('f' + f.id, place(f), f.stack.map(line).join('\n'))),
    make('td', {class: 'minor'}, make('code', {}, f.created_by ? shortLine(f.created_by) : '')),
    make('td', {}, verdict));
};
const showRows = (fibers, verdicts) => {
  const rows = fibers.filter(matches).sort(orders[sort] || orders.wait);
  $('rows').replaceChildren(...rows.slice(0, MOST_ROWS).map(f => shownRow(f, verdicts)));
  $('shown').textContent = `${rows.length} of ${fibers.length} fibers` +
      (rows.length > MOST_ROWS ? `, the first ${MOST_ROWS} shown` : '');
  for (const a of document.querySelectorAll('th a')) {
    a.dataset.sort === sort ? a.setAttribute('aria-current', 'true') : a.removeAttribute('aria-current');
  }
};
const showGroups = fibers => {
  const all = new Map();
  for (const f of fibers) {
    const key = state(f) + ' ' + f.stack.map(l => l.address).join();
    const g = all.get(key) || {key, count: 0, oldest: 0, first: f};
    g.count++;
    g.oldest = Math.max(g.oldest, f.waited_ns || 0);
    all.set(key, g);
  }
  const groups = [...all.values()].sort((a, b) => b.count - a.count);
  $('groups').replaceChildren(...groups.slice(0, MOST_GROUPS).map(g => make('div', {class: 'group'},
    make('b', {}, String(g.count)),
    make('div', {}, badge(g.first), make('small', {}, g.oldest ? ` up to ${duration(g.oldest)}` : ''),
      foldable('g' + g.key, place(g.first), g.first.stack.map(line).join('\n'))))));
};
const showLeaks = leaks => {
  const groups = leaks.groups.filter(g => g.level !== 'none');
  const shown = groups.map(g => make('div', {class: 'group'}, make('b', {}, String(g.fibers.length)),
    make('div', {}, make('span', {class: 'verdict ' + g.level}, g.level), ` ${g.state} at `,
      make('code', {}, g.blocked_at), ', spawned at ', make('code', {}, g.spawned_at),
      make('div', {}, g.why), make('div', {}, ...g.fibers.slice(0, 20).flatMap(id => [link(id), ' '])))));
  for (const c of leaks.cycles) {
    shown.push(make('p', {}, 'Cycle: ', ...c.flatMap(id => [link(id), ' waits for ']), link(c[0])));
  }
  $('leaks').replaceChildren(...(shown.length ? shown : [make('p', {class: 'soft'}, 'None is known to have leaked.')]));
};
const showHistory = counts => {
  history.push(counts);
  if (history.length > MOST_HISTORY) history.shift();
  const top = Math.max(1, ...history.map(c => STATES.reduce((sum, s) => sum + c[s], 0)));
  const x = i => (600 * (i + MOST_HISTORY - history.length) / (MOST_HISTORY - 1)).toFixed(1);
  const y = n => (100 - 100 * n / top).toFixed(1);
  const below = history.map(() => 0);
  for (const s of STATES) {
    const floor = history.map((_, i) => `${x(i)},${y(below[i])}`).reverse();
    const roof = history.map((c, i) => `${x(i)},${y(below[i] += c[s])}`);
    document.querySelector('polygon.' + s).setAttribute('points', [...roof, ...floor].join(' '));
    $('n-' + s).textContent = counts[s];
  }
  $('n-total').textContent = STATES.reduce((sum, s) => sum + counts[s], 0);
  $('top').textContent = 'at most ' + top;
};
const show = () => {
  if (!last) return;
  names.clear();
  for (const f of last.fibers) names.set(f.id, f.name);
  const verdicts = new Map();
  for (const g of last.leaks.groups) for (const id of g.fibers) verdicts.set(id, g);
  showRows(last.fibers, verdicts);
  showGroups(last.fibers);
  showLeaks(last.leaks);
};
const get = async url => {
  const answer = await fetch(url, {cache: 'no-store'});
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
};
const refresh = async () => {
  clearTimeout(timer);
  const began = performance.now();
  try {
    const [dump, leaks] = await Promise.all([get('pprof/fibers.json'), get('pprof/leaks?format=json')]);
    last = {fibers: dump.fibers, leaks};
    const counts = Object.fromEntries(STATES.map(s => [s, 0]));
    for (const f of dump.fibers) counts[f.state]++;
    showHistory(counts);
    show();
    $('news').removeAttribute('data-trouble');
    $('news').textContent = 'live, ' + new Date().toLocaleTimeString();
  } catch (e) {
    $('news').setAttribute('data-trouble', '');
    $('news').textContent = 'no answer: ' + e.message;
  }
  // A process with many fibers is not kept busy by its own page.
  if (!paused) timer = setTimeout(refresh, Math.max(INTERVAL, 10 * (performance.now() - began)));
};

form.addEventListener('submit', e => { e.preventDefault(); show(); });
form.addEventListener('input', () => { sort = form.elements.sort.value; show(); });
for (const a of document.querySelectorAll('th a')) {
  a.addEventListener('click', e => {
    e.preventDefault();
    sort = form.elements.sort.value = a.dataset.sort;
    show();
  });
}
const pause = $('pause');
pause.hidden = false;
pause.addEventListener('click', () => {
  paused = !paused;
  pause.textContent = paused ? 'Go on' : 'Pause';
  paused ? clearTimeout(timer) : refresh();
});
$('apply').hidden = true;
refresh();
})();
)js";

}  // namespace gossamer::inline v0::http::pprof
