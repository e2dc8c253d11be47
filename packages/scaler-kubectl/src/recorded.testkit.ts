import type { Job, PlatformEvent, Status } from './objects.ts'

// Recorded from Kubernetes 1.33.4, without the fields that nobody here reads.

export const JOBS = {
  crashed: {
    metadata: {
      name: 'crashed',
      creationTimestamp: '2026-11-22T22:47:12Z',
    },
    status: {
      conditions: [
        {
          type: 'FailureTarget',
          status: 'True',
          reason: 'BackoffLimitExceeded',
          message: 'Job has reached the specified backoff limit',
          lastTransitionTime: '2026-11-22T22:47:20Z',
        },
        {
          type: 'Failed',
          status: 'True',
          reason: 'BackoffLimitExceeded',
          message: 'Job has reached the specified backoff limit',
          lastTransitionTime: '2026-11-22T22:47:20Z',
        },
      ],
    },
  },
  done: {
    metadata: {
      name: 'done',
      creationTimestamp: '2026-11-22T22:47:13Z',
    },
    status: {
      conditions: [
        {
          type: 'SuccessCriteriaMet',
          status: 'True',
          reason: 'CompletionsReached',
          message: 'Reached expected number of succeeded pods',
          lastTransitionTime: '2026-11-22T22:47:19Z',
        },
        {
          type: 'Complete',
          status: 'True',
          reason: 'CompletionsReached',
          message: 'Reached expected number of succeeded pods',
          lastTransitionTime: '2026-11-22T22:47:19Z',
        },
      ],
    },
  },
  running: {
    metadata: {
      name: 'running',
      creationTimestamp: '2026-11-22T22:47:13Z',
    },
    status: { conditions: [] },
  },
} satisfies Record<string, Job>

export const STATUSES = {
  quota: {
    kind: 'Status',
    message: 'pods "p" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0',
    reason: 'Forbidden',
    code: 403,
  },
  invalid: {
    kind: 'Status',
    message:
      'Job.batch "UPPER" is invalid: [metadata.name: Invalid value: "UPPER": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \'-\' or \'.\', and must start and end with an alphanumeric character (e.g. \'example.com\', regex used for validation is \'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\'), spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"]',
    reason: 'Invalid',
    code: 422,
  },
  'no namespace': {
    kind: 'Status',
    message: 'namespaces "nowhere" not found',
    reason: 'NotFound',
    code: 404,
  },
} satisfies Record<string, Status>

export const FAILED_CREATE: PlatformEvent = {
  reason: 'FailedCreate',
  message:
    'Error creating: pods "quota-trqq5" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0',
  lastTimestamp: '2026-11-22T22:47:14Z',
  metadata: { name: 'quota.18ea7f8aa49c2cf4', creationTimestamp: '2026-11-22T22:47:15Z' },
  involvedObject: { kind: 'Job', name: 'quota' },
}
