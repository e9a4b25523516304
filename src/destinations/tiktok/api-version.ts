/** TikTok's Business API, version 1.3: https://business-api.tiktok.com/portal/docs (read 2026-11). Each path ends with a slash; without it the answer is 404. */
export const TIKTOK_URL = 'https://business-api.tiktok.com/open_api';
export const TIKTOK_API_VERSION = 'v1.3';
