import { defineOptions, type Options } from '@brxy/options'
import { APP_OPTIONS, DEFAULT_OPTIONS } from './app-options.ts'

/** Options of an edge: the one place where they are described. A config file has the same shape. */
export const EDGE_OPTIONS = defineOptions({
  listen: {
    kind: 'sections',
    shorthand: 'bind',
    flag: 'port',
    alias: 'p',
    env: 'BRXY_PORT',
    placeholder: '[HOST:]PORT',
    min: 1,
    max: 1_000,
    default: [{ bind: 'localhost:8080' }],
    doc: 'Where clients connect; without a host on the loopback addresses.',
    group: 'Addresses',
    table: {
      bind: {
        kind: 'string',
        required: true,
        placeholder: '[HOST:]PORT',
        doc: 'Address; `8080` alone is on the loopback addresses, `:8080` on all.',
      },
      http2: {
        kind: 'boolean',
        default: true,
        doc: 'Clients may speak HTTP/2: with `tls` by ALPN, without it if they know beforehand (h2c, as gRPC does).',
      },
      redirect: {
        kind: 'enum',
        values: ['https'],
        doc: 'Every request is answered 308, with the same address at the first listener that has `tls`.',
      },
      proxyProtocol: {
        kind: 'boolean',
        default: false,
        doc: 'Connections begin with a PROXY header (version 1 or 2), which only `trustedProxies` may send, and which names the client.',
      },
      tls: {
        kind: 'section',
        optional: true,
        doc: 'Clients speak TLS here.',
        table: {
          certs: {
            kind: 'sections',
            required: true,
            min: 1,
            max: 10_000,
            doc: 'Certificates; the name that the client asks for decides which, and the first is for all other names.',
            table: {
              cert: {
                kind: 'string',
                required: true,
                placeholder: 'FILE',
                doc: 'File with the certificate in PEM, and behind it those that lead to its CA.',
              },
              key: {
                kind: 'string',
                required: true,
                placeholder: 'FILE',
                doc: 'File with its private key in PEM, without a passphrase.',
              },
            },
          },
        },
      },
    },
  },
  tunnel: {
    kind: 'section',
    doc: 'Where linkers connect.',
    table: {
      bind: {
        kind: 'string',
        flag: 'tunnel',
        env: 'BRXY_TUNNEL',
        placeholder: '[HOST:]PORT',
        default: '127.0.0.1:9080',
        doc: 'Where linkers connect.',
        group: 'Addresses',
      },
      advertise: {
        kind: 'string',
        flag: true,
        placeholder: 'URL',
        doc: 'The tunnel as linkers see it (default: the same).',
        group: 'Addresses',
      },
      tls: {
        kind: 'section',
        optional: true,
        doc: 'Linkers speak TLS: they dial `wss://`.',
        table: {
          cert: {
            kind: 'string',
            env: 'BRXY_TUNNEL_CERT',
            required: true,
            placeholder: 'FILE',
            doc: 'File with the certificate in PEM, and behind it those that lead to its CA.',
          },
          key: {
            kind: 'string',
            env: 'BRXY_TUNNEL_KEY',
            required: true,
            placeholder: 'FILE',
            doc: 'File with its private key in PEM, without a passphrase.',
          },
          clientCa: {
            kind: 'string',
            env: 'BRXY_TUNNEL_CLIENT_CA',
            placeholder: 'FILE',
            doc: 'File with CAs in PEM: linkers must present a certificate that one of them signed, beside their token.',
          },
        },
      },
      reconnectSpreadMs: {
        kind: 'duration',
        default: 1_000,
        min: 0,
        max: 600_000,
        doc: 'Linkers whose session was lost redial spread over this time.',
      },
    },
  },
  admin: {
    kind: 'section',
    doc: 'Where operators ask: health, status, reload.',
    table: {
      bind: {
        kind: 'string',
        flag: 'admin',
        env: 'BRXY_ADMIN',
        placeholder: '[HOST:]PORT',
        default: '127.0.0.1:9081',
        doc: 'For health, status and reload.',
        group: 'Addresses',
      },
      token: {
        kind: 'secret',
        env: 'BRXY_ADMIN_TOKEN',
        doc: 'What programs elsewhere, and all that change something, must show (default: only tokens signed with the secret).',
      },
    },
  },
  secret: {
    kind: 'secret',
    doc: 'Secret that signs tokens (default: made in the state directory).',
  },
  stateDir: {
    kind: 'string',
    flag: true,
    placeholder: 'DIR',
    doc: 'Where the secret and the launches are kept (default: $STATE_DIRECTORY or the XDG state directory).',
    group: 'Process',
  },
  onExit: {
    kind: 'enum',
    flag: true,
    values: ['stop', 'keep'],
    doc: 'Whether the instances that were started here stop with the edge (default: keep with -f, else stop).',
    group: 'Process',
  },
  trustedProxies: {
    kind: 'strings',
    default: [],
    max: 10_000,
    doc: 'Addresses and networks (10.0.0.0/8) of proxies in front whose X-Forwarded-*, Forwarded and X-Request-Id are believed, and their PROXY headers where `proxyProtocol` is on.',
  },
  limits: {
    kind: 'section',
    doc: 'Bounds of the whole edge.',
    table: {
      held: {
        kind: 'integer',
        env: 'BRXY_TOTAL_HELD',
        default: 50_000,
        min: 1,
        max: 10_000_000,
        doc: 'Requests of all apps held at most.',
      },
      heldBytes: {
        kind: 'bytes',
        key: 'heldBytes',
        env: 'BRXY_TOTAL_HELD_BYTES',
        default: 512 * 1024 * 1024,
        min: 1024,
        max: 2 ** 40,
        doc: 'Bytes of all apps held at most.',
      },
      heldBodyBytes: {
        kind: 'bytes',
        default: 64 * 1024,
        min: 0,
        max: 16 * 1024 * 1024,
        doc: 'Body of a held request that is buffered before its client is made to wait.',
      },
      connections: {
        kind: 'integer',
        env: 'BRXY_MAX_CONNECTIONS',
        default: 50_000,
        min: 1,
        max: 1_000_000,
        doc: 'Client connections at a time; further ones are closed.',
      },
      http2Streams: {
        kind: 'integer',
        default: 128,
        min: 1,
        max: 10_000,
        doc: 'Requests at a time on one HTTP/2 connection; each may have 64 KiB of its body waiting.',
      },
    },
  },
  timeouts: {
    kind: 'section',
    doc: 'Waits of the whole edge.',
    table: {
      tlsHandshakeMs: {
        kind: 'duration',
        default: 10_000,
        min: 1,
        max: 3_600_000,
        doc: 'Longest time for the TLS handshake of a client or a linker.',
      },
      headMs: {
        kind: 'duration',
        default: 10_000,
        min: 1,
        max: 3_600_000,
        doc: 'Longest time from the first byte of a request head to its last.',
      },
      keepAliveMs: {
        kind: 'duration',
        default: 60_000,
        min: 1,
        max: 3_600_000,
        doc: 'An idle client connection is closed after this time.',
      },
      lostSessionMs: {
        kind: 'duration',
        default: 2_000,
        min: 0,
        max: 60_000,
        doc: 'How long a request that must not run twice, and whose tunnel died, waits for its linker to say that it never had it. Linkers come back within `tunnel.reconnectSpread`.',
      },
      writeStallMs: {
        kind: 'duration',
        default: 60_000,
        min: 0,
        max: 3_600_000,
        doc: 'A client that takes nothing of the response that waits for it for so long is reset; 0: never. Not for upgrades and TCP.',
      },
      drainMs: {
        kind: 'duration',
        flag: 'drain',
        default: 30_000,
        min: 0,
        max: 3_600_000,
        doc: 'Time for running requests to finish.',
        group: 'Process',
      },
    },
  },
  scalers: {
    kind: 'choices',
    placeholder: 'SCALER',
    doc: 'Options of a scaler that all its apps share.',
  },
  defaults: {
    kind: 'section',
    doc: 'What each app has unless it says otherwise.',
    table: DEFAULT_OPTIONS,
  },
  apps: {
    kind: 'named',
    placeholder: 'NAME',
    pattern: '^[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9_])?$',
    patternDoc: 'lower case letters, digits, `.`, `_` and `-`, at most 253',
    max: 200_000,
    doc: 'The applications. The name is the route that linkers ask for.',
    table: APP_OPTIONS,
  },
})

/** An edge's options after validation. */
export interface EdgeOptions extends Options<typeof EDGE_OPTIONS> {}
