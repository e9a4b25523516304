/** What a failure says that Temporal hands out raw. Where payloads are encrypted, its message is in one. */
import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';

export interface RawFailure {
  message?: string | null;
  encodedAttributes?: Payload | null;
}

/** Rejects with UnreadablePayloadError when this process lacks the key. */
export async function messageOf(client: Client, { message, encodedAttributes }: RawFailure): Promise<string> {
  if (!encodedAttributes) return message ?? '';
  const { payloadCodecs, payloadConverter } = client.options.loadedDataConverter;
  let payloads = [encodedAttributes];
  for (const codec of payloadCodecs.toReversed()) payloads = await codec.decode(payloads);
  const [payload] = payloads;
  const attributes = payload && payloadConverter.fromPayload<{ message?: string } | undefined>(payload);
  return attributes?.message ?? message ?? '';
}
