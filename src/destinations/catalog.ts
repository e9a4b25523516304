/** The one list of platforms. Adding one is its folder, one line here and its test. */
import type { Platform } from './destination.ts';
import { google } from './google/index.ts';
import { meta } from './meta/index.ts';
import { snap } from './snap/index.ts';
import { tiktok } from './tiktok/index.ts';

const PLATFORMS: readonly Platform[] = [meta, google, tiktok, snap];

export const catalog: ReadonlyMap<string, Platform> = new Map(PLATFORMS.map((platform) => [platform.platform, platform]));
