/** Every public route, in the order in which the page shows them. A test walks the router and tells which one is missing here. */
import { actionOperations } from './actions.ts';
import { alertOperations } from './alerts.ts';
import { auditOperations } from './audit.ts';
import { erasureOperations } from './erasures.ts';
import { exposureOperations } from './exposures.ts';
import { guardOperations } from './guard.ts';
import type { Operation } from './operation.ts';
import { quarantineOperations } from './quarantine.ts';
import { readingOperations } from './reading.ts';
import { serviceOperations } from './service.ts';
import { webhookOperations } from './webhooks.ts';

export const OPERATIONS: readonly Operation[] = [
  ...webhookOperations, ...readingOperations, ...guardOperations, ...exposureOperations, ...actionOperations, ...quarantineOperations, ...erasureOperations, ...alertOperations, ...auditOperations, ...serviceOperations,
];
