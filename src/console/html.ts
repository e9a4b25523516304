/** Templates that escape by construction: whatever stands in `${…}` of `html` is text, unless it is Html itself. */

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;', '`': '&#96;' };
const escapeText = (text: string): string => text.replace(/[&<>"'`]/g, (character) => ESCAPES[character] ?? '');

/** Markup that is ready to be sent. Only `html` and `trusted` make it. */
export class Html {
  readonly text: string;
  /** @param text markup, not text: ask for `html` instead */
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

/** What a template takes. Nothing is written for `null`, `undefined` and `false`, so that `condition && html…` reads well. */
export type Content = Html | string | number | bigint | null | undefined | false | readonly Content[];

function render(content: Content): string {
  if (content instanceof Html) return content.text;
  if (content === null || content === undefined || content === false) return '';
  if (Array.isArray(content)) return content.map(render).join('');
  return escapeText(String(content));
}

/** Values may stand between tags and inside quoted attributes; nowhere else. */
export const html = (strings: TemplateStringsArray, ...values: Content[]): Html => new Html(String.raw({ raw: strings }, ...values.map(render)));

/** Markup of our own that did not come from `html`. Never for anything that came in from outside. */
export const trusted = (markup: string): Html => new Html(markup);

/** A link's address: a path of this server or an http(s) address; anything else (`javascript:`) leads nowhere. */
export const linkTo = (address: string): string => (/^(\/(?!\/)|https?:\/\/)/i.test(address) ? address : '#');
