/** `/v1/erasures`: has a person erased, and tells how far that is. */
import { json, Router, type Request } from 'express';
import { z } from 'zod';
import type { Erasure, Ledger } from '../ledger/index.ts';
import { audited, auditedOf, shortText, type AuditLog, type Described } from './audit.ts';
import { authorise, type GuardOptions } from './authorise.ts';
import { withoutEmail } from './event-from-body.ts';

export interface ErasureOptions extends GuardOptions {
  ledger: Ledger;
  audit: AuditLog;
  /** From an e-mail in the clear to the hash that the ledger knows; undefined when it is none. */
  emailHash: (email: string) => string | undefined;
  /** Starts the workflow, and asks it how far it is. */
  erasing: { start: (given: { erasureId: string; anyway: boolean; personIds: string[] }) => Promise<void>; progress: (erasureId: string) => Promise<string> };
}

const text = z.string('must be text').trim().min(1, 'must not be empty').max(400);
export const requestSchema = z.strictObject({
  customer_id: text.optional(),
  cio_id: text.optional(),
  email: text.optional(),
  person_id: text.optional(),
  people: text.optional(),
  by: text,
  because: text.optional(),
  anyway: z.boolean().default(false),
});

export function erasureRoutes(options: ErasureOptions): Router {
  const { ledger, emailHash, erasing, audit } = options;
  const router = Router();
  const guard = authorise('operating', options);
  router.post('/v1/erasures', guard, json({ limit: '10kb' }), audited(audit, 'person.erase', describeRequest), async (request, response) => {
    const refuse = (problem: string, code = 400): void => void response.status(code).json({ status: 'invalid', problem });
    const parsed = requestSchema.safeParse(request.body);
    if (!parsed.success) {
      refuse(parsed.error.issues.map(({ path, message }) => [path.join('.'), message].filter((part) => part !== '').join(' ')).join('; '));
      return;
    }
    const { people, by, because = null, anyway, ...names } = parsed.data;
    const [identifier, ...others] = Object.entries(names) as ['customer_id' | 'cio_id' | 'email' | 'person_id', string][];
    if (!identifier || others.length > 0) {
      refuse('name the person by exactly one of customer_id, cio_id, email and person_id');
      return;
    }
    const [kind, given] = identifier;
    const value = kind === 'email' ? emailHash(given) : withoutEmail(given);
    if (value === undefined) {
      refuse('email is not an e-mail address');
      return;
    }
    const found = (await ledger.readPersons({ kind, value }, 0)).filter((person) => people === undefined || person.people === people);
    const [person, another] = found;
    if (another) {
      refuse(`more than one person goes by this ${kind}: say whose by people (${found.map((one) => one.people).join(', ')})`, 409);
      return;
    }
    const erasure = person && (await ledger.requestErasure({ erasureId: crypto.randomUUID(), personId: person.person_id, by, because }, ({ erasureId, personIds }) => [auditedOf(response).done({ erasure_id: erasureId, because: shortText(because) }, personIds.join(', '))]));
    if (!erasure) {
      refuse(`nobody goes by this ${kind}`, 404);
      return;
    }
    await erasing.start({ erasureId: erasure.erasureId, anyway, personIds: erasure.personIds });
    response.status(202).json(describeErasure(erasure));
  });
  router.get('/v1/erasures/:id', guard, async (request, response) => {
    const erasure = await ledger.readErasure(String(request.params['id']));
    if (!erasure) {
      response.status(404).json({ problem: 'there is no such erasure' });
      return;
    }
    const progress = erasure.finishedAt ? '' : await erasing.progress(erasure.erasureId).catch(() => 'no worker answers');
    response.json({ ...describeErasure(erasure), ...(progress === '' ? {} : { progress }) });
  });
  return router;
}

/** Whoever it is about shall not stay in the log by a name: only Headgate's own id does, which then stands for nobody. */
const describeRequest = ({ body }: Request): Described => ({ subject: 'a person', detail: { anyway: (body as { anyway?: unknown } | undefined)?.anyway === true } });

const describeErasure = ({ erasureId, personIds, requestedBy, because, requestedAt, finishedAt, receipt }: Erasure): object => ({
  erasure_id: erasureId, person_ids: personIds, requested_by: requestedBy, because, requested_at: requestedAt, finished_at: finishedAt, receipt,
});
