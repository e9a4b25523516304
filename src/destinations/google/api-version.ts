/**
 * Google's Data Manager API, version 1: documentation of release 1.8 (2026-07-30).
 * https://developers.google.com/data-manager/api/reference/rest/v1/ (read 2026-11)
 */
export const GOOGLE_URL = 'https://datamanager.googleapis.com';
export const GOOGLE_API_VERSION = 'v1';
export const GOOGLE_SCOPE = 'https://www.googleapis.com/auth/datamanager';
