/** What others sent, as text on a terminal: it moves no cursor, sets no title, hides nothing and turns no line around. */

/** Besides line feed and tab: control characters (the 8-bit ones too), line separators, changes of the direction of writing. */
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
/** The colours of our own tables. */
const OWN_COLOURS = /(\u001b\[(?:36|39|90)m)/;

/** Each such character becomes visible: `\u001b`. */
export const harmless = (text: string): string => text.split(OWN_COLOURS).map((part, index) => (index % 2 === 1 ? part : part.replace(CONTROLS, visible))).join('');

const visible = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** JSON for programs, with the same characters as escapes, which JSON itself leaves as they are from U+007F on. */
export const harmlessJson = (value: unknown): string => JSON.stringify(value).replace(CONTROLS, visible);
