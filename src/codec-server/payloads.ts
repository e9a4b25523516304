/** Temporal's remote codec protocol: payloads as protobuf's JSON has them, bytes in base64 (https://docs.temporal.io/codec-server, read 2026-11). */
import type { Payload } from '@temporalio/common';
import { z } from 'zod';

/** Both alphabets of base64, with or without padding, as protobuf's JSON allows. */
const bytes = z.string().regex(/^[A-Za-z0-9+/_-]*={0,2}$/, 'must be base64').transform((text) => Buffer.from(text, 'base64'));
const payload = z.object({ metadata: z.record(z.string(), bytes).nullish(), data: bytes.nullish() });
const body = z.object({ payloads: z.array(payload).max(10_000).nullish() });

/** What is in a request's body, or what is wrong with it. */
export function readPayloads(given: unknown): { payloads: Payload[] } | { problem: string } {
  const parsed = body.safeParse(given);
  if (!parsed.success) return { problem: parsed.error.issues.slice(0, 5).map(({ path, message }) => `${path.length === 0 ? 'the body' : path.join('.')}: ${message}`).join('; ') };
  return { payloads: (parsed.data.payloads ?? []).map(({ metadata, data }): Payload => ({ metadata: metadata ?? {}, data: data ?? Buffer.alloc(0) })) };
}

/** The answer to a request. */
export function writePayloads(payloads: readonly Payload[]): { payloads: object[] } {
  const base64 = (value: Uint8Array | null | undefined): string => Buffer.from(value ?? []).toString('base64');
  return { payloads: payloads.map(({ metadata, data }) => ({ metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)])), data: base64(data) })) };
}
