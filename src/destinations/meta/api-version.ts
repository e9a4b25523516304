/**
 * The Graph API version of every call. v26.0 was released on 2026-07-29; v20.0 ended on 2026-09-24.
 * https://developers.facebook.com/docs/graph-api/changelog (read 2026-11)
 */
export const META_API_VERSION = 'v26.0';
export const META_URL = 'https://graph.facebook.com';
