/** Texts of strangers in places that give some characters a meaning: terminals, headers of mails, the Temporal UI. Pure. */

/** Control characters, line separators, and what turns the direction of writing around. */
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g;

/** One line without control characters, of which each run becomes a space. */
export const plainLine = (text: string): string => text.replace(CONTROLS, ' ');

/** The same for where Markdown is rendered: no link, image or HTML comes of it. Ids keep their underscores. */
export const withoutMarkdown = (text: string): string => plainLine(text).replace(/[[\]<>`]/g, '\\$&');
