import { defineOptions, inheriting, type Options } from '@brxy/options'

/** What is said for all apps under `defaults`, and may be said otherwise for each. */
export const DEFAULT_OPTIONS = defineOptions({
  min: {
    kind: 'integer',
    default: 0,
    min: 0,
    max: 10_000,
    doc: 'Instances of each app kept running.',
    group: 'Apps',
  },
  max: {
    kind: 'integer',
    flag: true,
    placeholder: 'N',
    default: 10,
    min: 1,
    max: 10_000,
    doc: 'Most instances of an app, starting ones too.',
    group: 'Apps',
  },
  maxRoutes: {
    kind: 'integer',
    flag: 'max-apps',
    env: 'BRXY_MAX_APPS',
    placeholder: 'N',
    default: 100,
    min: 1,
    max: 100_000,
    doc: 'Most hosts that are apps of their own.',
    group: 'Apps',
  },
  slots: {
    kind: 'integer',
    min: 1,
    max: 65_535,
    doc: 'Requests that an instance takes at a time, until the first one has said so itself.',
    group: 'Apps',
  },
  holdMs: {
    kind: 'duration',
    flag: true,
    default: 50_000,
    min: 1,
    max: 3_600_000,
    doc: 'Longest time a request may be held.',
    group: 'Holding and scaling',
  },
  patienceMs: {
    kind: 'duration',
    flag: true,
    default: 100,
    min: 0,
    max: 3_600_000,
    doc: 'How long a request is held before another instance is started.',
    group: 'Holding and scaling',
  },
  queue: {
    kind: 'section',
    doc: 'What one app may hold.',
    table: {
      requests: {
        kind: 'integer',
        env: 'BRXY_QUEUE_REQUESTS',
        default: 10_000,
        min: 1,
        max: 1_000_000,
        doc: 'Requests of one app held at most.',
      },
      bytes: {
        kind: 'bytes',
        env: 'BRXY_QUEUE_BYTES',
        default: 64 * 1024 * 1024,
        min: 1024,
        max: 2 ** 40,
        doc: 'Bytes of heads and bodies of one app held at most.',
      },
    },
  },
  startTimeoutMs: {
    kind: 'duration',
    default: 120_000,
    min: 100,
    max: 3_600_000,
    doc: 'A launch that has not connected by then has failed.',
  },
  backoff: {
    kind: 'section',
    doc: 'Pauses after failed starts.',
    table: {
      minMs: {
        kind: 'duration',
        env: 'BRXY_BACKOFF_MIN',
        default: 1_000,
        min: 1,
        max: 3_600_000,
        doc: 'Pause after a failed start; it doubles with each.',
      },
      maxMs: {
        kind: 'duration',
        env: 'BRXY_BACKOFF_MAX',
        default: 60_000,
        min: 1,
        max: 3_600_000,
        doc: 'Longest pause.',
      },
    },
  },
  responseMs: {
    kind: 'duration',
    default: 300_000,
    min: 1,
    max: 86_400_000,
    doc: 'Longest wait for the response head of an application.',
  },
  maxBodyBytes: {
    kind: 'bytes',
    default: 0,
    min: 0,
    max: 2 ** 53 - 1,
    doc: 'Largest request body; a larger one is answered 413 as soon as that is known; 0: any.',
  },
  bodyIdleMs: {
    kind: 'duration',
    default: 30_000,
    min: 0,
    max: 86_400_000,
    doc: 'A client that sends nothing of its request body for so long, while it is waited for, is answered 408; 0: it may.',
  },
  bodyRateBytes: {
    kind: 'bytes',
    default: 256,
    min: 0,
    max: 2 ** 40,
    doc: 'Bytes a second that a request body must bring in the long run, or its client is out of `bodyIdle` in the end; 0: any.',
  },
  streamIdleMs: {
    kind: 'duration',
    default: 300_000,
    min: 0,
    max: 86_400_000,
    doc: 'A response under way of which no byte moves for so long is aborted; 0: never, for events that are rare. Not for upgrades and TCP.',
  },
  halfClose: {
    kind: 'enum',
    values: ['cancel', 'serve'],
    default: 'cancel',
    doc: 'What a client that ends its direction of the connection behind a whole request wants: nothing any more, or its response.',
  },
  waiting: {
    kind: 'section',
    doc: 'What becomes of requests that the app cannot serve in time.',
    table: {
      fallback: {
        kind: 'string',
        env: 'BRXY_FALLBACK',
        placeholder: '[HOST:]PORT',
        doc: 'HTTP server that gets the requests which would else be answered 503 or 504 because the app cannot be started, its queue is full, or the hold time is over.',
      },
    },
  },
  errorPages: {
    kind: 'string',
    placeholder: 'DIR',
    doc: 'Directory with pages for browsers: `503.html`, `5xx.html`, `4xx.html`; `{{status}}`, `{{reason}}`, `{{detail}}` and `{{requestId}}` are filled in.',
  },
})

export interface DefaultOptions extends Options<typeof DEFAULT_OPTIONS> {}

/** What is said for one app. */
export const APP_OPTIONS = defineOptions({
  hosts: {
    kind: 'strings',
    default: [],
    max: 200_000,
    doc: 'Hosts that the app serves: `shop.example.com`, `"*.example.com"`, `"*"` (default: any).',
  },
  paths: {
    kind: 'sections',
    max: 200_000,
    shorthand: 'prefix',
    doc: 'Path prefixes that the app serves; of several apps the longest prefix wins (default: every path).',
    table: {
      prefix: {
        kind: 'string',
        required: true,
        doc: 'Whole segments: `/api` is also `/api/x`, but not `/apix`.',
      },
      strip: {
        kind: 'boolean',
        default: false,
        doc: 'Whether the application sees the path without the prefix.',
      },
      priorityMs: {
        kind: 'duration',
        default: 0,
        min: 0,
        max: 60_000,
        doc: 'Requests below it that are held are served as though they had come so much earlier.',
      },
    },
  },
  perHost: {
    kind: 'boolean',
    default: false,
    doc: 'Whether each matching host is an app of its own, named after the host; at most `maxRoutes` are active.',
  },
  tcp: {
    kind: 'section',
    optional: true,
    doc: 'For an application that speaks any protocol over TCP: each connection of a client is one request.',
    table: {
      bind: {
        kind: 'string',
        required: true,
        placeholder: '[HOST:]PORT',
        doc: 'Where its clients connect; `5432` alone is on the loopback addresses, `:5432` on all.',
      },
      proxyProtocol: {
        kind: 'boolean',
        default: false,
        doc: 'Connections begin with a PROXY header (version 1 or 2), which only `trustedProxies` may send, and which names the client.',
      },
    },
  },
  h2c: {
    kind: 'boolean',
    default: false,
    doc: 'Whether the application speaks HTTP/2 without TLS, as gRPC does: its linkers are told, by BRXY_H2C.',
  },
  scaler: {
    kind: 'choice',
    placeholder: 'SCALER',
    doc: 'What starts instances, with its options; without it only linkers serve that come by themselves.',
  },
  keepWarm: {
    kind: 'sections',
    max: 100,
    doc: 'Times at which instances are kept running.',
    table: {
      cron: {
        kind: 'string',
        required: true,
        doc: 'When it begins: minute, hour, day of the month, month, day of the week.',
      },
      forMs: {
        kind: 'duration',
        required: true,
        min: 60_000,
        max: 31 * 24 * 3_600_000,
        doc: 'How long it lasts.',
      },
      min: { kind: 'integer', default: 1, min: 1, max: 10_000, doc: 'Instances kept running meanwhile.' },
      tz: { kind: 'string', doc: "Time zone, such as Europe/Berlin (default: the machine's)." },
    },
  },
  passive: {
    kind: 'sections',
    max: 1_000,
    doc: 'Requests that never start an instance, nor keep one from leaving: probes, uptime monitors.',
    table: {
      path: { kind: 'string', doc: 'The path, exactly, without a query.' },
      userAgents: {
        kind: 'strings',
        default: [],
        doc: 'Texts of which one is in the User-Agent, in any case.',
      },
      whenAsleep: {
        kind: 'section',
        doc: 'The answer while no instance is ready.',
        table: {
          status: { kind: 'integer', default: 200, min: 200, max: 599, doc: 'Status.' },
          body: { kind: 'string', default: '', doc: 'Body, as text.' },
        },
      },
    },
  },
  ...inheriting(DEFAULT_OPTIONS),
})

/** One app as it is configured, with what it inherits. */
export interface AppOptions extends Omit<Options<typeof APP_OPTIONS>, keyof DefaultOptions>, DefaultOptions {}
