/** A page that says what is not there, and where to look. */
import type { Content } from './html.ts';
import type { Page } from './page.ts';

export const notFound = (title: string, body: Content): Page => ({ title, body, status: 404 });
