/** The frame of every page: head, navigation, notices, foot. */
import { assetPath } from './assets.ts';
import { html, linkTo, type Content, type Html } from './html.ts';
import type { Visit } from './visit.ts';
import { BASE, RUNBOOK } from './words.ts';

export interface Page {
  title: string;
  body: Content;
  /** The entry of the navigation that it belongs to. */
  at?: string | undefined;
  /** Has the script ask for the page again after so many seconds, as long as somebody looks at it. */
  refreshSeconds?: number | undefined;
  status?: number | undefined;
}

const PLACES: readonly [path: string, name: string][] = [
  [BASE, 'Overview'],
  [`${BASE}/people`, 'Find'],
  [`${BASE}/quarantine`, 'Quarantine'],
  [`${BASE}/alerts`, 'Alerts'],
  [`${BASE}/actions`, 'Actions'],
  [`${BASE}/live`, 'Live'],
  [`${BASE}/try`, 'Try a webhook'],
  [RUNBOOK, 'Runbook'],
  [`${BASE}/audit`, 'Audit'],
];

export function frame({ title, body, at, refreshSeconds }: Page, visit: Visit, temporalUi: string | undefined): Html {
  const places = PLACES.filter(([path]) => visit.role === 'operator' || path !== `${BASE}/audit`).map(([path, name]) => html`<a href="${path}"${path === at ? html` aria-current="page"` : null}>${name}</a>`);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Headgate</title>
<link rel="icon" href="${assetPath('icon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${assetPath('console.css')}">
<script src="${assetPath('console.js')}" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top">
<a class="brand" href="${BASE}">Headgate</a>
${visit.role !== 'nobody' && html`<nav aria-label="Pages">${places}${temporalUi !== undefined && html`<a href="${linkTo(temporalUi)}" rel="noreferrer">Temporal UI</a>`}</nav>`}
<div class="who">${who(visit)}</div>
</header>
<main id="main" tabindex="-1"${refreshSeconds !== undefined && html` data-refresh="${refreshSeconds}"`}>
${visit.notice && html`<p class="notice ${visit.notice.tone}" role="status">${visit.notice.text}</p>`}
<h1>${title}</h1>
${body}
</main>
<footer>Times are UTC. E-mail addresses and phones are kept as hashes only.</footer>
</body>
</html>
`;
}

function who({ session, formToken, role, here }: Visit): Content {
  if (!session) return role !== 'nobody' && html`<a href="${BASE}/sign-in?next=${encodeURIComponent(here)}">Sign in</a>`;
  const title = session.role === 'operator' ? 'operator' : 'reader';
  return html`<span>${session.name === '' ? title : `${session.name} (${title})`}</span>${form({ formToken }, `${BASE}/sign-out`, html`<button class="quiet">Sign out</button>`)}`;
}

const attribute = (name: 'id' | 'class' | 'aria-label', value: string | undefined): Content => value !== undefined && html` ${name}="${value}"`;

/** A form of this server. @param label what it is, where its fields do not say so */
export const form = ({ formToken }: Pick<Visit, 'formToken'>, action: string, fields: Content, options: { id?: string; className?: string; label?: string } = {}): Html =>
  html`<form method="post" action="${action}"${attribute('id', options.id)}${attribute('class', options.className)}${attribute('aria-label', options.label)}><input type="hidden" name="form_token" value="${formToken}">${fields}</form>`;

/** The page by which the browser asks once more for the page that a link from elsewhere led to. */
export const askAgain = (address: string): Html =>
  html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${address}"><title>Headgate</title></head><body><p><a href="${address}">Go on</a></p></body></html>`;
