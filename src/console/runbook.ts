/** docs/runbook.md as a page: what to do about each alert. It says nothing of this installation, so whoever has the link may read it. */
import { readFile } from 'node:fs/promises';
import { Router } from 'express';
import { Marked, type Tokens } from 'marked';
import type { Desk } from './desk.ts';
import { html, linkTo, trusted, type Html } from './html.ts';
import type { Page } from './page.ts';
import { RUNBOOK } from './words.ts';

const FILE = new URL('../../docs/runbook.md', import.meta.url);

/** The text and the sections in their order. Whatever is markup in the text stays text, and links that lead out of the page to other files are words. */
export function renderRunbook(markdown: string): { sections: string[]; body: Html } {
  const sections: string[] = [];
  const marked: Marked = new Marked({
    renderer: {
      html: ({ raw }) => html`${raw}`.text,
      image: ({ text }) => html`${text}`.text,
      heading({ depth, text, tokens }) {
        // The page has its own.
        if (depth === 1) return '';
        sections.push(text);
        return html`<h2 id="${text}">${trusted(this.parser.parseInline(tokens))}</h2>\n`.text;
      },
      link({ href, tokens }) {
        const words = trusted(this.parser.parseInline(tokens));
        return /^(https:\/\/|#)/.test(href) ? html`<a href="${href.startsWith('#') ? href : linkTo(href)}" rel="noreferrer">${words}</a>`.text : words.text;
      },
      table({ header, rows }) {
        const inline = ({ tokens }: Tokens.TableCell): Html => trusted(this.parser.parseInline(tokens));
        const row = (cells: Tokens.TableCell[]): Html => html`<tr>${cells.map((cell, index) => (index === 0 ? html`<th scope="row">${inline(cell)}</th>` : html`<td data-label="${header[index]?.text}" class="wide">${inline(cell)}</td>`))}</tr>`;
        return html`<div class="scroll" role="region" aria-label="Table of ${sections.at(-1)}" tabindex="0"><table><thead><tr>${header.map((cell) => html`<th scope="col">${inline(cell)}</th>`)}</tr></thead><tbody>${rows.map(row)}</tbody></table></div>\n`.text;
      },
    },
  });
  return { sections, body: trusted(marked.parse(markdown, { async: false })) };
}

export function runbookRoutes(_options: unknown, desk: Desk): Router {
  let made: Promise<Page> | undefined;
  const make = async (): Promise<Page> => {
    const { sections, body } = renderRunbook(await readFile(FILE, 'utf8'));
    return { title: 'Runbook', at: RUNBOOK, body: html`<nav class="contents" aria-label="Alerts">${sections.map((name) => html`<a href="#${name}">${name.replaceAll('_', ' ')}</a> `)}</nav>\n<article class="prose">${body}</article>` };
  };
  const router = Router();
  router.get('/runbook', desk.page('nobody', () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  }));
  return router;
}
