import { defineOptions, type Options } from '@brxy/options'

/** What is said once for all apps. Where it is absent the variables of Nomad's own client count. */
export const NOMAD_OPTIONS = defineOptions({
  address: {
    kind: 'string',
    env: 'BRXY_NOMAD_ADDRESS',
    doc: 'URL of an agent, or `unix:///PATH` of its socket (default: `NOMAD_ADDR`, else `http://127.0.0.1:4646`).',
  },
  token: {
    kind: 'secret',
    env: 'BRXY_NOMAD_TOKEN',
    doc: 'ACL token (default: `NOMAD_TOKEN`).',
  },
  tokenFile: {
    kind: 'string',
    env: 'BRXY_NOMAD_TOKEN_PATH',
    doc: 'File with the ACL token, read for each request: a workload identity that is renewed.',
  },
  namespace: {
    kind: 'string',
    env: 'BRXY_NOMAD_NAMESPACE',
    doc: 'Namespace of the jobs (default: `NOMAD_NAMESPACE`, else `default`).',
  },
  region: {
    kind: 'string',
    env: 'BRXY_NOMAD_REGION',
    doc: "Region of the jobs (default: `NOMAD_REGION`, else the agent's).",
  },
  tls: {
    kind: 'section',
    optional: true,
    doc: 'TLS of an `https:` address.',
    table: defineOptions({
      ca: {
        kind: 'string',
        env: 'BRXY_NOMAD_CA',
        doc: "CAs of the agent's certificate, in PEM (default: `NOMAD_CACERT`, else public ones).",
      },
      cert: {
        kind: 'string',
        env: 'BRXY_NOMAD_CERT',
        doc: 'Client certificate, in PEM (default: `NOMAD_CLIENT_CERT`).',
      },
      key: {
        kind: 'string',
        env: 'BRXY_NOMAD_KEY',
        doc: 'Its private key, in PEM (default: `NOMAD_CLIENT_KEY`).',
      },
      serverName: {
        kind: 'string',
        env: 'BRXY_NOMAD_SERVER_NAME',
        doc: 'Name that the certificate must have (default: `NOMAD_TLS_SERVER_NAME`, else the host of the address).',
      },
    }),
  },
})

/** What is said for each app. */
export const APP_OPTIONS = defineOptions({
  job: { kind: 'string', required: true, doc: 'ID of a job that exists.' },
  mode: {
    kind: 'enum',
    values: ['dispatch', 'count'],
    default: 'dispatch',
    doc: '`dispatch`: each launch dispatches the parameterized job. `count`: the count of a group of the job is set.',
  },
  group: {
    kind: 'string',
    doc: 'Group whose count is set (default: the only one). For `count` alone.',
  },
})

export type NomadOptions = Options<typeof NOMAD_OPTIONS>
