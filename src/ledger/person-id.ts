import { randomUUID } from 'node:crypto';

/** A new person id: `p_`, 12 hex digits of the time in milliseconds and 17 random ones, so that ids grow with time. */
export function newPersonId(): string {
  return `p_${Date.now().toString(16).padStart(12, '0')}${randomUUID().slice(-17).replace('-', '')}`;
}
