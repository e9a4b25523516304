// What makes the pages pleasant. Every page works without it.
'use strict';

/** Asks for the page again now and then, and puts the new parts in the place of the old ones, as long as somebody looks and nobody works in it. */
function keepFresh(main) {
  const everyMs = Number(main.dataset.refresh) * 1_000;
  if (!(everyMs > 0)) return;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'small quiet refresh';
  let paused = false;
  const show = () => {
    button.textContent = paused ? 'Refresh again' : 'Stop refreshing';
    button.setAttribute('aria-label', paused ? 'Refresh this page again' : 'Stop refreshing this page');
    main.dataset.paused = String(paused);
  };
  button.addEventListener('click', () => {
    paused = !paused;
    show();
  });
  show();
  main.querySelector('h1').append(' ', button);

  const isBusy = () => {
    const { activeElement } = document;
    const selection = document.getSelection();
    const selects = selection !== null && !selection.isCollapsed && main.contains(selection.anchorNode);
    return selects || (activeElement !== null && activeElement !== main && !activeElement.matches('.scroll') && activeElement !== button && main.contains(activeElement));
  };
  const refresh = async () => {
    if (paused || document.hidden || isBusy()) return;
    const response = await fetch(location.href, { headers: { accept: 'text/html' }, redirect: 'error' });
    if (response.status === 401) {
      paused = true;
      show();
      button.textContent = 'Signed out: open the page again';
      return;
    }
    const fresh = new DOMParser().parseFromString(await response.text(), 'text/html').querySelector('main');
    if (!response.ok || !fresh || isBusy()) return;
    const known = new Set([...main.querySelectorAll('[data-key]')].map((row) => row.dataset.key));
    const scrolls = [...main.querySelectorAll('.scroll')].map((one) => one.scrollLeft);
    const kept = [...main.children].filter((one) => one.matches('.notice[role=status], h1'));
    const [heading] = kept.filter((one) => one.matches('h1'));
    fresh.querySelector('h1').replaceWith(heading);
    for (const notice of kept.filter((one) => one !== heading)) fresh.prepend(notice);
    main.replaceChildren(...fresh.childNodes);
    main.querySelectorAll('.scroll').forEach((one, index) => { one.scrollLeft = scrolls[index] ?? 0; });
    if (known.size > 0) for (const row of main.querySelectorAll('[data-key]')) row.classList.toggle('new', !known.has(row.dataset.key));
  };
  const again = () => setTimeout(() => refresh().catch(() => undefined).finally(again), everyMs);
  again();
}

/** Shows what the door would make of a body, while it is typed. */
function checkWhileTyping(verdict) {
  const form = document.getElementById(verdict.dataset.form);
  if (!(form instanceof HTMLFormElement)) return;
  let timer;
  let newest = 0;
  const check = async () => {
    const mine = ++newest;
    const response = await fetch(verdict.dataset.check, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
    const text = await response.text();
    if (mine !== newest) return;
    const fresh = new DOMParser().parseFromString(text, 'text/html');
    if (response.ok) verdict.replaceChildren(...fresh.body.childNodes);
    else verdict.textContent = 'This page is too old, or you were signed out: open it again.';
  };
  form.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => check().catch(() => { verdict.textContent = 'Headgate does not answer.'; }), 250);
  });
}

const main = document.getElementById('main');
if (main) keepFresh(main);
const verdict = document.querySelector('[data-check]');
if (verdict) checkWhileTyping(verdict);
