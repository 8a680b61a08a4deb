// Everything here is a convenience: each page works without it.
(() => {
  'use strict';
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const root = document.documentElement;
  const live = $('#live');
  const say = (text) => { if (live) { live.textContent = ''; setTimeout(() => { live.textContent = text; }, 50); } };

  // A live region announces what is added after the page has loaded.
  const result = $('.result p');
  if (result) say(result.textContent.trim());

  // Times: the server's text, kept current.
  const ago = (seconds) => {
    const past = seconds >= 0, s = Math.abs(seconds);
    if (s < 60) return past ? 'just now' : 'in under 1 min';
    const [n, unit] = s < 3600 ? [s / 60, 'min'] : s < 86400 ? [s / 3600, 'h'] : [s / 86400, 'd'];
    const whole = past ? Math.floor(n) : Math.round(n);
    return past ? `${whole} ${unit} ago` : `in ${whole} ${unit}`;
  };
  const tick = () => {
    for (const time of $$('time[data-relative]')) {
      const seconds = Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000);
      if (Math.abs(seconds) < 30 * 86400) time.textContent = ago(seconds);
    }
  };
  setInterval(() => { if (!document.hidden) tick(); }, 30000);

  // Copying says what happened, also when it fails.
  const copy = async (text, button) => {
    let done = false;
    try {
      await navigator.clipboard.writeText(text);
      done = true;
    } catch {
      const area = document.createElement('textarea');
      area.value = text;
      (button.closest('dialog') || document.body).append(area);
      area.select();
      try { done = document.execCommand('copy'); } catch { done = false; }
      area.remove();
      button.focus();
    }
    const label = button.getAttribute('aria-label') || button.textContent;
    const told = done ? 'Copied' : 'Could not copy';
    say(told);
    button.dataset.copied = told;
    if (button.hasAttribute('aria-label')) {
      button.setAttribute('aria-label', told);
      button.title = told;
      button.classList.add(done ? 'good' : 'bad');
      setTimeout(() => { button.setAttribute('aria-label', label); button.title = label; button.classList.remove('good', 'bad'); }, 1500);
    } else {
      button.textContent = told;
      setTimeout(() => { button.textContent = label; }, 1500);
    }
  };
  for (const button of $$('[data-copy-from]')) button.hidden = false;
  for (const id of $$('[data-copy]')) {
    const button = $('#copy').content.firstElementChild.cloneNode(true);
    const text = id.dataset.copy || id.textContent;
    button.setAttribute('aria-label', `Copy ${text}`);
    button.dataset.text = text;
    id.after(' ', button);
  }

  document.addEventListener('click', (event) => {
    const button = event.target.closest('[data-text], [data-copy-from], [data-show], [data-close]');
    if (button) {
      const { text, copyFrom, show } = button.dataset;
      if (show) open($(show));
      else if ('close' in button.dataset) button.closest('dialog').close();
      else copy(text ?? $(copyFrom).value, button);
      return;
    }
    const link = event.target.closest('a[data-dialog]');
    if (link && !(event.metaKey || event.ctrlKey || event.shiftKey || event.button)) {
      event.preventDefault();
      inDialog(link);
    }
    for (const menu of $$('details.menu[open]')) if (!menu.contains(event.target)) menu.open = false;
  });

  // A form from another page, in a dialog on this one.
  let opener = null;
  const open = (dialog) => {
    opener = document.activeElement;
    dialog.showModal();
    const first = $('[data-first]', dialog);
    if (first) first.focus();
  };
  for (const dialog of $$('dialog')) dialog.addEventListener('close', () => opener && opener.focus());
  const inDialog = async (link) => {
    try {
      const answer = await fetch(link.href, { credentials: 'same-origin', headers: { accept: 'text/html' } });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const content = $('[data-dialog-content]', page);
      if (!answer.ok || !content) throw new Error();
      const dialog = $('#page-dialog');
      dialog.replaceChildren(document.importNode(content, true));
      const title = $('h1', dialog);
      if (title) {
        const second = document.createElement('h2');
        second.id = 'dialog-title';
        second.append(...title.childNodes);
        title.replaceWith(second);
      }
      for (const cancel of $$('[data-cancel]', dialog)) {
        cancel.addEventListener('click', (event) => { event.preventDefault(); dialog.close(); });
      }
      prepare(dialog);
      open(dialog);
    } catch {
      location.href = link.href;
    }
  };

  // Forms: bytes are counted as the server counts them, and a second click does nothing.
  const bytes = (text) => new TextEncoder().encode(text.trim()).length;
  const prepare = (within) => {
    for (const area of $$('[data-bytes]', within)) {
      const count = $(`[data-count="${area.name}"]`, within);
      const most = Number(area.dataset.bytes);
      const update = () => {
        const used = bytes(area.value);
        count.textContent = `${used} of ${most} bytes`;
        count.classList.toggle('bad', used > most);
      };
      area.addEventListener('input', update);
      update();
    }
    for (const select of $$('[data-submit]', within)) select.addEventListener('change', () => select.form.requestSubmit());
    const form = $('#ban-form', within);
    if (form) banForm(form);
  };
  document.addEventListener('submit', (event) => {
    const button = event.submitter || $('button:not([type="button"])', event.target);
    if (!button) return;
    if (button.getAttribute('aria-disabled') === 'true') { event.preventDefault(); return; }
    if (event.target.method !== 'post') return;
    button.setAttribute('aria-disabled', 'true');
    if (button.dataset.busy) button.textContent = button.dataset.busy;
  });
  window.addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });

  // The ban form: presets fill the fields, and the summary follows the choices.
  const banForm = (form) => {
    const names = { '1h': 3600, '1d': 86400, '3d': 259200, '7d': 604800, '30d': 2592000 };
    const filled = {};
    const summary = $('[data-summary]', form);
    const describe = () => {
      if (!summary) return;
      const data = new FormData(form);
      const everywhere = data.get('scope') === 'global';
      const where = everywhere ? form.dataset.everywhere : `in experience ${data.get('experience') || ''}`;
      const length = data.get('length');
      let until = 'for the length that you type';
      if (length === 'forever') until = 'permanently';
      else if (length === 'keep') until = 'until the same time as before';
      else if (names[length]) {
        const end = new Date(Date.now() + names[length] * 1000);
        const shown = end.toLocaleString('en-GB', { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZone: 'UTC' });
        until = `until ${shown} UTC`;
      } else if (data.get('own')) until = `for ${data.get('own')}`;
      summary.textContent = `${form.dataset.who} ${form.dataset.verb} ${where} ${until}.`;
    };
    form.addEventListener('input', describe);
    form.addEventListener('change', (event) => {
      const chosen = event.target.closest('[name="preset"]');
      if (!chosen) return;
      for (const [name, text] of [['public_reason', chosen.dataset.public], ['private_reason', chosen.dataset.private]]) {
        const area = form.elements[name];
        // What a person has typed stays.
        if (!text || (area.value && area.value !== filled[name])) continue;
        filled[name] = area.value = text;
        area.dispatchEvent(new Event('input', { bubbles: true }));
      }
      const { length } = chosen.dataset;
      if (length) {
        const chips = $$('[name="length"]', form), named = (name) => chips.find((chip) => chip.value === name);
        (named(length) || named('own')).checked = true;
        if (!named(length)) form.elements.own.value = length;
      }
      describe();
    });
    describe();
  };
  prepare(document);
  // A run over many players continues by itself.
  const next = $('form[data-continue]');
  if (next) setTimeout(() => next.requestSubmit($('button', next)), 400);

  // Keyboard. Single letters only outside fields, and only while switched on.
  const rows = () => $$('[data-row] .who');
  const rowOf = () => document.activeElement.closest('[data-row]');
  const move = (by) => {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(rowOf() ? $('.who', rowOf()) : null);
    const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
    next.focus();
    next.scrollIntoView({ block: 'nearest' });
  };
  const follow = (name) => {
    const row = rowOf();
    const link = (row && $(`[data-key="${name}"]`, row)) || $(`main [data-key="${name}"]`) || $(`[data-key="${name}"]`);
    if (link) link.click();
  };
  const keys = {
    '/': () => $('#find').focus(),
    j: () => move(1), k: () => move(-1),
    b: () => follow('b'), u: () => follow('u'), e: () => follow('e'),
    '?': () => open($('#help')),
  };
  document.addEventListener('keydown', (event) => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k' && $('#palette')) {
      event.preventDefault();
      palette();
      return;
    }
    if (event.key === 'Escape') {
      for (const menu of $$('details.menu[open]')) { menu.open = false; $('summary', menu).focus(); }
      if (document.activeElement.matches('#find')) document.activeElement.blur();
      return;
    }
    if (root.dataset.keys === 'off' || event.metaKey || event.ctrlKey || event.altKey || !$('#find')) return;
    if (document.activeElement.closest('input, textarea, select, dialog[open]')) return;
    const action = keys[event.key];
    if (action) { event.preventDefault(); action(); }
  });
  for (const element of $$('[data-script]')) element.hidden = false;

  // The palette: the menu's links, the players on this page, and the search.
  const palette = () => {
    const dialog = $('#palette'), input = $('input', dialog), list = $('ul', dialog);
    if (dialog.open) return;
    const known = [...$$('[data-palette]'), ...rows()].map((link) => [link.dataset.palette || link.textContent.trim(), link.href]);
    const seen = new Set();
    const links = known.filter(([, href]) => !seen.has(href) && seen.add(href));
    let on = 0;
    const show = () => {
      const wanted = input.value.trim().toLowerCase();
      const fitting = links.filter(([text]) => text.toLowerCase().includes(wanted)).slice(0, 8);
      if (wanted) fitting.push([`Find “${input.value.trim()}”`, `/console/players?q=${encodeURIComponent(input.value.trim())}`]);
      on = Math.min(on, Math.max(fitting.length - 1, 0));
      list.replaceChildren(...fitting.map(([text, href], at) => {
        const item = document.createElement('li'), link = document.createElement('a');
        link.href = href;
        link.textContent = text;
        link.className = at === on ? 'on' : '';
        item.append(link);
        return item;
      }));
    };
    input.value = '';
    input.oninput = () => { on = 0; show(); };
    input.onkeydown = (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) { event.preventDefault(); on = Math.max(on + step, 0); show(); }
      if (event.key === 'Enter') { event.preventDefault(); const link = $('a.on', list); if (link) location.href = link.href; }
    };
    show();
    open(dialog);
  };
})();
