/** Settings that several kinds of actions have: templates and addresses, checked when headgate.yaml is read. */
import { z } from 'zod';
import type { JsonValue } from '../domain/event.ts';
import { compileText, compileTree, type Escape, type TemplateMistake, type TextTemplate, type TreeTemplate } from './template.ts';

/** A text with placeholders, written by `escape`. */
export const textSettingBy = (escape?: Escape) =>
  z.string('must be text: put it in quotes').min(1, 'is empty').transform((source, context): TextTemplate => {
    const compiled = compileText(source, escape);
    return 'template' in compiled ? compiled.template : tell(compiled.mistakes, context);
  });
export const textSetting = textSettingBy();

/** JSON whose texts are templates: written as YAML, or as one text of JSON. */
export const treeSetting = z.unknown().transform((given, context): TreeTemplate => {
  const source = typeof given === 'string' ? parsed(given) : given;
  if (typeof source !== 'object' || source === null) return tell([{ path: [], message: 'must be an object or a list: write it as YAML, or as one text of JSON whose placeholders are in quotes' }], context);
  const compiled = compileTree(source as JsonValue);
  return 'template' in compiled ? compiled.template : tell(compiled.mistakes, context);
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function tell(mistakes: readonly TemplateMistake[], context: z.RefinementCtx): never {
  for (const { path, message } of mistakes) context.addIssue({ code: 'custom', path, message });
  return z.NEVER;
}

/** Where to; whether it may be a private one is looked at with the other settings (registry-actions.ts). */
export const urlSetting = z.string().refine((text) => {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === '' && url.hash === '';
}, 'must be an address such as https://tool.example/events, without user, password and #');
