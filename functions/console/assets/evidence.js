// Sends a file as evidence. It is hashed in pieces, as browsers hash only what is in memory as a whole.
(() => {
  'use strict';
  const form = document.querySelector('#evidence-form');
  if (!form) return;
  const input = form.querySelector('#file'), state = form.querySelector('#file-state');
  const bar = form.querySelector('#file-progress');
  const MOST = 100 * 2 ** 20, PIECE = 2 ** 20;

  // SHA-256 (FIPS 180-4): its constants are fractions of roots of the first primes.
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
  const fraction = (n, root) => (n ** (1 / root) * 2 ** 32) | 0;
  const constants = Int32Array.from(primes, (prime) => fraction(prime, 3));
  const turned = (n, by) => (n >>> by) | (n << (32 - by));
  const mix = (hash, words, view) => {
    for (let at = 0; at < view.byteLength; at += 64) {
      for (let i = 0; i < 64; i++) {
        if (i < 16) { words[i] = view.getInt32(at + 4 * i); continue; }
        const a = words[i - 15], b = words[i - 2];
        words[i] = words[i - 16] + words[i - 7] + (turned(a, 7) ^ turned(a, 18) ^ (a >>> 3)) + (turned(b, 17) ^ turned(b, 19) ^ (b >>> 10));
      }
      let [a, b, c, d, e, f, g, h] = hash;
      for (let i = 0; i < 64; i++) {
        const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + constants[i] + words[i]) | 0;
        const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
      }
      [a, b, c, d, e, f, g, h].forEach((value, i) => { hash[i] += value; });
    }
  };
  const hashed = async (file) => {
    const hash = Int32Array.from(primes.slice(0, 8), (prime) => fraction(prime, 2)), words = new Int32Array(64);
    for (let at = 0; at <= file.size; at += PIECE) {
      const piece = new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer());
      let block = piece;
      if (at + PIECE > file.size) {
        block = new Uint8Array((piece.length + 72) & ~63);
        block.set(piece);
        block[piece.length] = 128;
        new DataView(block.buffer).setUint32(block.length - 4, file.size * 8);
      }
      mix(hash, words, new DataView(block.buffer));
      bar.value = at / file.size / 4;
    }
    const view = new DataView(new ArrayBuffer(32));
    hash.forEach((word, i) => view.setInt32(4 * i, word));
    return btoa(String.fromCharCode(...new Uint8Array(view.buffer)));
  };

  const sent = async (path, fields) => {
    const data = new URLSearchParams({ csrf: form.elements.csrf.value, ...fields });
    const answer = await fetch(path, { method: 'POST', body: data, credentials: 'same-origin' });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.error || 'The console did not answer. Choose the file again.');
    return said;
  };
  const put = (file, { url, headers }) => new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open('PUT', url);
    for (const [name, value] of Object.entries(headers)) if (!/^(host|content-length)$/i.test(name)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => { bar.value = 0.25 + 0.75 * event.loaded / file.size; };
    // 412: an earlier attempt has arrived.
    request.onload = () => (request.status < 300 || request.status === 412 ? done() : fail(new Error('The upload was refused. Choose the file again.')));
    request.onerror = () => fail(new Error('The upload broke off. Choose the file again.'));
    request.send(file);
  });
  let busy = false;
  const add = async (file) => {
    if (busy || !file) return;
    if (!file.size || file.size > MOST) { state.textContent = 'A file has 1 byte to 100 MiB.'; return; }
    busy = input.disabled = true;
    bar.hidden = false;
    try {
      state.textContent = 'Reading…';
      const sha256 = await hashed(file);
      const { key, case: ban } = form.elements;
      const upload = await sent(form.dataset.file, { key: key.value, case: ban.value, name: file.name, type: file.type, size: file.size, sha256 });
      state.textContent = 'Uploading…';
      if (upload.url) await put(file, upload);
      state.textContent = 'Checking…';
      await sent(`/console/evidence/${upload.guid}/complete`, {});
      state.textContent = 'Added';
      const { pathname, search, hash } = new URL(form.dataset.done, location);
      if (location.pathname + location.search === pathname + search) location.reload();
      else location.href = pathname + search + hash;
    } catch (error) {
      state.textContent = error.message;
      bar.hidden = true;
      input.value = '';
    } finally {
      busy = input.disabled = false;
    }
  };
  input.addEventListener('change', () => add(input.files[0]));
  form.addEventListener('dragover', (event) => event.preventDefault());
  form.addEventListener('drop', (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    add(event.dataTransfer.files[0]);
  });
})();
