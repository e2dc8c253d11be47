import { defineOptions, inheriting } from './index.ts'

/** What apps of the sample have in common. */
export const COMMON = defineOptions({
  max: { kind: 'integer', default: 10, min: 1, max: 100, flag: true, doc: 'Most copies.' },
  holdMs: { kind: 'duration', default: 50_000, min: 1, max: 3_600_000, flag: true, doc: 'Longest wait.' },
  queue: {
    kind: 'section',
    doc: 'What may wait.',
    table: {
      requests: { kind: 'integer', env: 'BRXY_QUEUE', default: 100, min: 1, doc: 'Requests.' },
      bytes: { kind: 'bytes', default: 65_536, doc: 'Their bytes.' },
    },
  },
  page: {
    kind: 'section',
    optional: true,
    doc: 'A page for those who wait.',
    table: {
      file: { kind: 'string', required: true, doc: 'Where it is.' },
      afterMs: { kind: 'duration', default: 3_000, doc: 'When it is shown.' },
    },
  },
  probes: {
    kind: 'sections',
    doc: 'What wakes nothing.',
    table: { path: { kind: 'string', doc: 'A path.' } },
  },
})

/** A table with a row of every kind, at the top and inside others: a config file in small. */
export const SAMPLE = defineOptions({
  version: { kind: 'enum', values: ['1', '2'], doc: 'Which syntax.' },
  listen: {
    kind: 'sections',
    shorthand: 'bind',
    flag: 'port',
    alias: 'p',
    env: 'BRXY_PORT',
    default: [{ bind: ':80' }],
    min: 1,
    max: 3,
    doc: 'Where clients connect.',
    table: {
      bind: { kind: 'string', required: true, doc: 'An address.' },
      backlog: { kind: 'integer', default: 511, min: 1, doc: 'Connections that wait.' },
      certs: {
        kind: 'sections',
        doc: 'Certificates.',
        table: {
          cert: { kind: 'string', required: true, doc: 'A file.' },
          names: { kind: 'strings', doc: 'X.' },
        },
      },
    },
  },
  tunnel: {
    kind: 'section',
    doc: 'Where linkers connect.',
    table: {
      bind: { kind: 'string', flag: 'tunnel', env: 'BRXY_TUNNEL', default: ':9080', doc: 'An address.' },
      tls: {
        kind: 'section',
        optional: true,
        doc: 'Encryption.',
        table: {
          cert: { kind: 'string', flag: true, required: true, doc: 'A file.' },
          verify: { kind: 'boolean', default: true, doc: 'Whether linkers need one, too.' },
        },
      },
    },
  },
  secret: { kind: 'secret', doc: 'Signs tokens.' },
  labels: { kind: 'map', max: 2, doc: 'Names for metrics.' },
  proxies: { kind: 'strings', default: [], min: 0, max: 2, doc: 'Who is trusted.' },
  scalers: { kind: 'choices', placeholder: 'SCALER', doc: 'What all apps of a scaler share.' },
  defaults: { kind: 'section', doc: 'What all apps share.', table: COMMON },
  apps: {
    kind: 'named',
    placeholder: 'NAME',
    pattern: '^[a-z]{1,8}$',
    patternDoc: 'one to eight lower case letters',
    max: 3,
    doc: 'The apps.',
    table: {
      hosts: { kind: 'strings', doc: 'Hosts.' },
      scaler: { kind: 'choice', placeholder: 'SCALER', required: true, doc: 'What starts it.' },
      ...inheriting(COMMON),
    },
  },
})
