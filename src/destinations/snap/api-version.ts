/** Snap's Marketing API: https://developers.snap.com/api/marketing-api/Ads-API/customer-lists (read 2026-11). */
export const SNAP_URL = 'https://adsapi.snapchat.com';
export const SNAP_API_VERSION = 'v1';
/** Where access tokens, which last an hour, are made from the refresh token. */
export const SNAP_TOKEN_URL = 'https://accounts.snapchat.com/login/oauth2/access_token';
