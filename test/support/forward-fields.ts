/** An event as a template of an action sees it. */
import type { ForwardFields } from '../../src/domain/forward.ts';

export const fields = (more: Partial<ForwardFields> = {}): ForwardFields => ({
  event_id: 'e_1', event: 'cio.forward', action: 'mail', source: 'shop', audience_key: null, timestamp: 1_764_000_000, occurred_at: '2025-11-24T16:00:00.000Z', received_at: '2025-11-24T16:00:01.000Z',
  person_id: 'p_1', customer_id: 'c_1', cio_id: null, email_sha256: 'aa', phone_sha256: null, context: {}, attributes: {}, ...more,
});
