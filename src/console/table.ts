/** A table with its caption, scopes, and on a phone one block for each row. */
import { html, type Content, type Html } from './html.ts';

export interface Column<Row> {
  title: string;
  cell: (row: Row) => Content;
  /** Numbers stand to the right; `wide` may break anywhere. */
  kind?: 'number' | 'wide' | undefined;
}

/**
 * The first column names the row.
 * @param empty what to say, and what to do, when there are no rows
 * @param rowKey tells the page's script which rows are new
 */
export function table<Row>(caption: string, columns: readonly Column<Row>[], rows: readonly Row[], empty: Content, rowKey?: (row: Row) => string): Html {
  if (rows.length === 0) return html`<section class="empty"><h2>${caption}</h2><div>${empty}</div></section>`;
  const cellOf = (row: Row, { title, cell, kind }: Column<Row>, first: boolean): Html =>
    first ? html`<th scope="row" class="${kind}">${cell(row)}</th>` : html`<td data-label="${title}" class="${kind}">${cell(row)}</td>`;
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${columns.map(({ title, kind }) => html`<th scope="col" class="${kind}">${title}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr${rowKey ? html` data-key="${rowKey(row)}"` : null}>${columns.map((column, index) => cellOf(row, column, index === 0))}</tr>\n`)}</tbody>
</table></div>`;
}

/** Names and what they stand for. */
export const facts = (pairs: readonly (readonly [string, Content])[]): Html =>
  html`<dl class="facts">${pairs.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
