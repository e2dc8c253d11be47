import type { Pod } from './objects.ts'

// Recorded from Kubernetes 1.33.4 and containerd 1.6, without the fields that nobody here reads.

export const PODS = {
  'never pulled': {
    metadata: {
      name: 'neverpull-qmjhl',
      creationTimestamp: '2026-11-22T22:47:12Z',
      labels: { 'batch.kubernetes.io/job-name': 'neverpull' },
    },
    status: {
      phase: 'Pending',
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'ContainersNotReady',
          message: 'containers with unready status: [app]',
        },
      ],
      containerStatuses: [
        {
          name: 'app',
          ready: false,
          restartCount: 0,
          state: {
            waiting: {
              reason: 'ErrImageNeverPull',
              message: 'Container image "brxy.test/none:1" is not present with pull policy of Never',
            },
          },
        },
      ],
    },
  },
  'first pull failed': {
    metadata: {
      name: 'pull-xv464',
      creationTimestamp: '2026-11-22T22:47:12Z',
      labels: { 'batch.kubernetes.io/job-name': 'pull' },
    },
    status: {
      phase: 'Pending',
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'ContainersNotReady',
          message: 'containers with unready status: [app]',
        },
      ],
      containerStatuses: [
        {
          name: 'app',
          ready: false,
          restartCount: 0,
          state: {
            waiting: {
              reason: 'ErrImagePull',
              message:
                'failed to pull and unpack image "images.invalid/none:1": failed to resolve reference "images.invalid/none:1": failed to do request: Head "https://images.invalid/v2/none/manifests/1": dial tcp: lookup images.invalid on 192.0.2.53:53: no such host',
            },
          },
        },
      ],
    },
  },
  'pull backed off': {
    metadata: {
      name: 'pull-xv464',
      creationTimestamp: '2026-11-22T22:47:12Z',
      labels: { 'batch.kubernetes.io/job-name': 'pull' },
    },
    status: {
      phase: 'Pending',
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'ContainersNotReady',
          message: 'containers with unready status: [app]',
        },
      ],
      containerStatuses: [
        {
          name: 'app',
          ready: false,
          restartCount: 0,
          state: {
            waiting: {
              reason: 'ImagePullBackOff',
              message:
                'Back-off pulling image "images.invalid/none:1": ErrImagePull: failed to pull and unpack image "images.invalid/none:1": failed to resolve reference "images.invalid/none:1": failed to do request: Head "https://images.invalid/v2/none/manifests/1": dial tcp: lookup images.invalid on 192.0.2.53:53: no such host',
            },
          },
        },
      ],
    },
  },
  'bad image name': {
    metadata: {
      name: 'badname-kbpq4',
      creationTimestamp: '2026-11-22T22:47:12Z',
      labels: { 'batch.kubernetes.io/job-name': 'badname' },
    },
    status: {
      phase: 'Pending',
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'ContainersNotReady',
          message: 'containers with unready status: [app]',
        },
      ],
      containerStatuses: [
        {
          name: 'app',
          ready: false,
          restartCount: 0,
          state: {
            waiting: {
              reason: 'InvalidImageName',
              message:
                'Failed to apply default image tag "BAD NAME": couldn\'t parse image name "BAD NAME": invalid reference format: repository name (library/BAD NAME) must be lowercase',
            },
          },
        },
      ],
    },
  },
  'missing config map': {
    metadata: {
      name: 'config-4hkdc',
      creationTimestamp: '2026-11-22T22:47:13Z',
      labels: { 'batch.kubernetes.io/job-name': 'config' },
    },
    status: {
      phase: 'Pending',
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'ContainersNotReady',
          message: 'containers with unready status: [app]',
        },
      ],
      containerStatuses: [
        {
          name: 'app',
          ready: false,
          restartCount: 0,
          state: { waiting: { reason: 'CreateContainerConfigError', message: 'configmap "none" not found' } },
        },
      ],
    },
  },
  crashed: {
    metadata: {
      name: 'crashed-qf8dq',
      creationTimestamp: '2026-11-22T22:47:13Z',
      labels: { 'batch.kubernetes.io/job-name': 'crashed' },
    },
    status: {
      phase: 'Failed',
      conditions: [
        { type: 'Ready', status: 'False', reason: 'PodFailed', lastTransitionTime: '2026-11-22T22:47:18Z' },
      ],
      containerStatuses: [
        {
          name: 'app',
          ready: false,
          restartCount: 0,
          state: {
            terminated: {
              exitCode: 3,
              reason: 'Error',
              message: 'no database\n',
              finishedAt: '2026-11-22T22:47:17Z',
            },
          },
        },
      ],
    },
  },
  'no such command': {
    metadata: {
      name: 'notfound-plfg9',
      creationTimestamp: '2026-11-22T22:47:13Z',
      labels: { 'batch.kubernetes.io/job-name': 'notfound' },
    },
    status: {
      phase: 'Failed',
      conditions: [
        { type: 'Ready', status: 'False', reason: 'PodFailed', lastTransitionTime: '2026-11-22T22:47:13Z' },
      ],
      containerStatuses: [
        {
          name: 'app',
          ready: false,
          restartCount: 0,
          state: {
            terminated: {
              exitCode: 128,
              reason: 'StartError',
              message:
                'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/bin/none": stat /bin/none: no such file or directory: unknown',
              finishedAt: '2026-11-22T22:47:15Z',
            },
          },
        },
      ],
    },
  },
  unschedulable: {
    metadata: {
      name: 'unschedulable-tnhmw',
      creationTimestamp: '2026-11-22T22:47:13Z',
      labels: { 'batch.kubernetes.io/job-name': 'unschedulable' },
    },
    status: {
      phase: 'Pending',
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message:
            '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
          lastTransitionTime: '2026-11-22T22:47:14Z',
        },
      ],
    },
  },
  done: {
    metadata: {
      name: 'done-sfpwt',
      creationTimestamp: '2026-11-22T22:47:13Z',
      labels: { 'batch.kubernetes.io/job-name': 'done' },
    },
    status: {
      phase: 'Succeeded',
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'PodCompleted',
        },
      ],
      containerStatuses: [
        {
          name: 'app',
          ready: false,
          restartCount: 0,
          state: {
            terminated: {
              exitCode: 0,
              reason: 'Completed',
              finishedAt: '2026-11-22T22:47:16Z',
            },
          },
        },
      ],
    },
  },
  running: {
    metadata: {
      name: 'running-r4fd9',
      creationTimestamp: '2026-11-22T22:47:13Z',
      labels: { 'batch.kubernetes.io/job-name': 'running' },
    },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-11-22T22:47:16Z' }],
      containerStatuses: [
        {
          name: 'app',
          ready: true,
          restartCount: 0,
          state: { running: { startedAt: '2026-11-22T22:47:15Z' } },
        },
      ],
    },
  },
  'sidecar loops': {
    metadata: {
      name: 'init-2v2n4',
      creationTimestamp: '2026-11-22T22:47:14Z',
      labels: { 'batch.kubernetes.io/job-name': 'init' },
    },
    status: {
      phase: 'Pending',
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'ContainersNotReady',
          message: 'containers with unready status: [side app]',
        },
      ],
      initContainerStatuses: [
        {
          name: 'side',
          ready: false,
          restartCount: 2,
          state: {
            terminated: {
              exitCode: 1,
              reason: 'Error',
              finishedAt: '2026-11-22T22:47:31Z',
            },
          },
        },
      ],
      containerStatuses: [
        {
          name: 'app',
          ready: false,
          restartCount: 0,
          state: { waiting: { reason: 'PodInitializing' } },
        },
      ],
    },
  },
  loops: {
    metadata: {
      name: 'loop-65d69b5b9f-fsdhh',
      creationTimestamp: '2026-11-22T22:47:15Z',
      labels: {},
    },
    status: {
      phase: 'Running',
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'ContainersNotReady',
          message: 'containers with unready status: [app]',
        },
      ],
      containerStatuses: [
        {
          name: 'app',
          ready: false,
          restartCount: 2,
          state: {
            terminated: {
              exitCode: 4,
              reason: 'Error',
              finishedAt: '2026-11-22T22:47:32Z',
            },
          },
          lastState: {
            terminated: {
              exitCode: 4,
              reason: 'Error',
              finishedAt: '2026-11-22T22:47:18Z',
            },
          },
        },
      ],
    },
  },
} satisfies Record<string, Pod>
