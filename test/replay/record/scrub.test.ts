import { expect, test } from 'vitest';
import { scrub, textsOf } from './scrub.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('what is of the machine goes: who did it, where it failed, ports and queues of the process; what a replay reads stays', () => {
  const event = {
    eventId: '5',
    eventType: 'EVENT_TYPE_ACTIVITY_TASK_FAILED',
    taskId: '1048576',
    activityTaskFailedEventAttributes: {
      identity: '4711@some-host',
      failure: { message: 'connect ECONNREFUSED 127.0.0.1:45123', stackTrace: 'at push (/home/ada/headgate/src/x.ts:1:2)', cause: null },
      scheduledEventId: '4',
      taskQueue: { name: '4711@some-host-headgate-sync-1', kind: 'TASK_QUEUE_KIND_STICKY', normalName: 'headgate-sync' },
      details: { payloads: [{ metadata: { encoding: base64('json/plain') }, data: base64('{"url":"http://localhost:3999/✓"}') }] },
    },
  };
  const [scrubbed] = scrub([event]);
  expect(scrubbed).toEqual({
    eventId: '5',
    eventType: 'EVENT_TYPE_ACTIVITY_TASK_FAILED',
    activityTaskFailedEventAttributes: {
      failure: { message: 'connect ECONNREFUSED 127.0.0.1:8090' },
      scheduledEventId: '4',
      taskQueue: { name: 'sticky', kind: 'TASK_QUEUE_KIND_STICKY', normalName: 'headgate-sync' },
      details: { payloads: [{ metadata: { encoding: base64('json/plain') }, data: base64('{"url":"http://localhost:8090/✓"}') }] },
    },
  });
  expect(textsOf(scrubbed)).toContain('{"url":"http://localhost:8090/✓"}');
});
