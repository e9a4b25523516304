/** Charts as SVG, drawn on the server; what they show is said in words beside them. */
import { html, type Html } from './html.ts';

const WIDTH = 240;
const HEIGHT = 40;
/** Something that happened once among thousands shall be seen all the same. */
const LEAST_BAR = 2;

const round = (value: number): string => value.toFixed(1);

/** A bar for each value. @param label what it shows, for those who do not see it */
export function bars(values: readonly number[], label: string, tone: 'plain' | 'bad' = 'plain'): Html {
  const highest = Math.max(1, ...values);
  const step = WIDTH / Math.max(1, values.length);
  const bar = (value: number, index: number): Html | null => {
    if (value <= 0) return null;
    const height = Math.max(LEAST_BAR, (value / highest) * HEIGHT);
    return html`<rect x="${round(index * step)}" y="${round(HEIGHT - height)}" width="${round(Math.max(1, step - 1))}" height="${round(height)}"/>`;
  };
  return html`<svg class="chart bars ${tone}" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${label}"><line x1="0" y1="${HEIGHT}" x2="${WIDTH}" y2="${HEIGHT}"/>${values.map(bar)}</svg>`;
}

/** Bars of several layers, the first one at the bottom. @param layers each with the class that colours it */
export function stackedBars(layers: readonly { tone: 'plain' | 'faint' | 'bad'; values: readonly number[] }[], label: string): Html {
  const length = Math.max(1, ...layers.map(({ values }) => values.length));
  const totals = Array.from({ length }, (_, index) => layers.reduce((sum, { values }) => sum + (values[index] ?? 0), 0));
  const highest = Math.max(1, ...totals);
  const step = WIDTH / length;
  const column = (_: number, index: number): (Html | null)[] => {
    let top = HEIGHT;
    return layers.map(({ tone, values }) => {
      const value = values[index] ?? 0;
      if (value <= 0) return null;
      const height = Math.max(LEAST_BAR, (value / highest) * HEIGHT);
      top -= height;
      return html`<rect class="${tone}" x="${round(index * step)}" y="${round(Math.max(0, top))}" width="${round(Math.max(1, step - 1))}" height="${round(height)}"/>`;
    });
  };
  return html`<svg class="chart bars" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${label}"><line x1="0" y1="${HEIGHT}" x2="${WIDTH}" y2="${HEIGHT}"/>${totals.map(column)}</svg>`;
}

const AREA_WIDTH = 720;
const AREA_HEIGHT = 140;

/** A line with the area below it, from zero. */
export function area(values: readonly number[], label: string): Html {
  const highest = Math.max(1, ...values);
  const step = AREA_WIDTH / Math.max(1, values.length - 1);
  const points = values.map((value, index) => `${round(index * step)},${round(AREA_HEIGHT - (Math.max(0, value) / highest) * (AREA_HEIGHT - 4))}`);
  return html`<svg class="chart area" viewBox="0 0 ${AREA_WIDTH} ${AREA_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${label}"><polygon points="0,${AREA_HEIGHT} ${points.join(' ')} ${AREA_WIDTH},${AREA_HEIGHT}"/><polyline points="${points.join(' ')}"/></svg>`;
}
