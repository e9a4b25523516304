/** The one list of platforms. Adding one is its folder, one line here and its test. */
import type { Platform } from './destination.ts';
import { meta } from './meta/index.ts';

const PLATFORMS: readonly Platform[] = [meta];

export const catalog: ReadonlyMap<string, Platform> = new Map(PLATFORMS.map((platform) => [platform.platform, platform]));
