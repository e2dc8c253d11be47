import { EDGE_OPTIONS } from '@brxy/edge'
import { defineOptions } from '@brxy/options'

/** What can be said about an edge that runs from the command line: in the file, by flags, in the environment. */
export const SETTINGS = defineOptions({
  ...EDGE_OPTIONS,
  log: {
    kind: 'enum',
    flag: true,
    values: ['auto', 'text', 'json'],
    default: 'auto',
    doc: 'Lines for people (auto: on a terminal).',
    group: 'Process',
  },
  requests: {
    kind: 'enum',
    flag: true,
    values: ['auto', 'on', 'off'],
    default: 'auto',
    doc: 'Requests too (auto: on a terminal).',
    group: 'Process',
  },
})

/** What only a command line can say, for a single app. */
export const COMMAND = defineOptions({
  file: {
    kind: 'string',
    flag: true,
    alias: 'f',
    env: 'BRXY_FILE',
    placeholder: 'FILE',
    doc: 'Configuration file (brxy.yaml).',
    group: 'Apps',
  },
  watch: {
    kind: 'boolean',
    flag: true,
    default: false,
    doc: 'Reload when the file changes, or one that it names.',
    group: 'Apps',
  },
  hosts: {
    kind: 'strings',
    flag: 'host',
    key: 'hosts',
    env: 'BRXY_HOST',
    placeholder: 'PATTERN',
    doc: 'Host or `*.domain` to serve (default: any).',
    group: 'Apps',
  },
  tcp: {
    kind: 'strings',
    flag: 'tcp',
    key: 'tcp',
    // BRXY_TCP is the linker's, and says that the application is not HTTP.
    env: 'BRXY_TCP_PORT',
    placeholder: '[HOST:]PORT=ROUTE',
    doc: 'TCP port, and the app behind it.',
    group: 'Apps',
  },
  scaler: {
    kind: 'string',
    flag: true,
    default: 'shell',
    placeholder: 'NAME',
    doc: 'What runs the command: @brxy/scaler-NAME, a package, or a file.',
    group: 'Apps',
  },
})

/** The flags of `brxy edge`. */
export const EDGE_FLAGS = defineOptions({ ...SETTINGS, ...COMMAND })

/** The whole file. */
export const FILE_OPTIONS = defineOptions({
  version: { kind: 'integer', required: true, min: 1, max: 1, doc: 'Version of the file format: 1.' },
  ...SETTINGS,
})
