const nothing = (): void => undefined;

/** The bundler's progress is nobody's news. */
export const silent = { log: nothing, trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };
