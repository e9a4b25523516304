/** Templates: whatever comes from outside stays text. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { area, bars, stackedBars } from '../../src/console/charts.ts';
import { html, linkTo, trusted } from '../../src/console/html.ts';
import { facts, table } from '../../src/console/table.ts';

const HOSTILE = [
  '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", '</title><svg/onload=alert(1)>', '&lt;script&gt;', '`onerror=alert(1)`', '${alert(1)}', '</textarea><script>', '\u2028<b>',
];

test.each(HOSTILE)('%s is text between tags and in attributes', (hostile) => {
  const { text } = html`<p title="${hostile}" data-one='${hostile}'>${hostile}</p>`;
  const inner = text.slice('<p title="'.length, -'</p>'.length);
  expect(inner.replace('" data-one=\'', '').replace("'>", '')).not.toMatch(/[<>"'`]/);
  // Unescaped it is what it was.
  const unescaped = (/>([^<]*)<\/p>$/.exec(text)?.[1] ?? '').replace(/&(lt|gt|quot|#39|#96|amp);/g, (_, name: string) => ({ lt: '<', gt: '>', quot: '"', '#39': "'", '#96': '`', amp: '&' })[name] ?? '');
  expect(unescaped).toBe(hostile);
});

test('no text ever opens a tag or leaves its attribute', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (given) => {
    const { text } = html`<p title="${given}">${[given, [given]]}</p>`;
    expect(text.match(/[<>]/g)).toHaveLength(4);
    expect(text.match(/"/g)).toHaveLength(2);
  }));
});

test('markup goes in as it is, nothing for what is not there, numbers as they read', () => {
  expect(html`${html`<b>${'<'}</b>`}${null}${undefined}${false}${0}${[1, html`<i></i>`]}${trusted('<hr>')}`.text).toBe('<b>&lt;</b>01<i></i><hr>');
});

test('an object that only looks like markup is not taken for it', () => {
  const impostor = { text: '<script>' } as unknown as string;
  expect(html`${impostor}`.text).not.toContain('<script>');
});

test('a link leads to a path of this server or over http, never into a script', () => {
  expect(['/console', 'https://temporal.example.com/x', 'http://127.0.0.1:8233'].map(linkTo)).toEqual(['/console', 'https://temporal.example.com/x', 'http://127.0.0.1:8233']);
  expect(['javascript:alert(1)', ' javascript:alert(1)', 'data:text/html,x', '//elsewhere.example.com', 'JaVaScRiPt:x'].map(linkTo)).toEqual(['#', '#', '#', '#', '#']);
});

test('a table names its rows and columns, and says what to do when it is empty', () => {
  const columns = [{ title: 'Name<', cell: (row: string) => row }, { title: 'Size', cell: (row: string) => row.length, kind: 'number' as const }];
  const { text } = table('Things & more', columns, ['<a>'], 'none', (row) => row);
  expect(text).toContain('<caption>Things &amp; more</caption>');
  expect(text).toContain('<th scope="col" class="">Name&lt;</th>');
  expect(text).toContain('<tr data-key="&lt;a&gt;"><th scope="row" class="">&lt;a&gt;</th><td data-label="Size" class="number">3</td></tr>');
  expect(table('Things', columns, [], 'make one').text).toBe('<section class="empty"><h2>Things</h2><div>make one</div></section>');
  expect(facts([['<', '>']]).text).toContain('<dt>&lt;</dt><dd>&gt;</dd>');
});

test('charts say in words what they show, and draw what is rare', () => {
  const { text } = bars([0, 1, 1_000], 'a "label"');
  expect(text).toContain('role="img" aria-label="a &quot;label&quot;"');
  expect(text.match(/<rect/g)).toHaveLength(2);
  expect(text).toContain('height="2.0"');
  const stacked = stackedBars([{ tone: 'plain', values: [3, 0] }, { tone: 'bad', values: [1, 1] }], 'x').text;
  expect([...stacked.matchAll(/class="(\w+)" x="[\d.]+" y="([\d.]+)".*?height="([\d.]+)"/g)].map(([, ...parts]) => parts)).toEqual([['plain', '10.0', '30.0'], ['bad', '0.0', '10.0'], ['bad', '30.0', '10.0']]);
  expect(area([1, 2, 4], 'x').text).toMatch(/points="0\.0,106\.0 360\.0,72\.0 720\.0,4\.0"/);
  expect(area([], 'x').text).toContain('<polyline points=""');
});
