import { defineOptions, type Options } from '@brxy/options'

/** What is said once for all apps. */
export const DOCKER_OPTIONS = defineOptions({
  socket: {
    kind: 'string',
    doc: "Path of the Engine's socket: short for `host: unix://PATH`.",
  },
  host: {
    kind: 'string',
    doc: 'Where the Engine is: `unix://PATH` or `tcp://HOST:PORT` (default: `DOCKER_HOST`, else `unix:///var/run/docker.sock`).',
  },
  tls: {
    kind: 'section',
    optional: true,
    doc: 'TLS of a `tcp:` host (default: the files of `DOCKER_CERT_PATH`, if `DOCKER_TLS_VERIFY` is set).',
    table: defineOptions({
      ca: { kind: 'string', doc: "CAs of the Engine's certificate, in PEM (default: public ones)." },
      cert: { kind: 'string', doc: 'Client certificate, in PEM.' },
      key: { kind: 'string', doc: 'Its private key, in PEM.' },
    }),
  },
  insecure: {
    kind: 'boolean',
    default: false,
    doc: 'Allow a `tcp:` host without TLS: whoever reaches it, or can read the network, is root there.',
  },
})

/** What is said for each app: exactly one of container, task and service. */
export const APP_OPTIONS = defineOptions({
  container: {
    kind: 'choices',
    placeholder: 'FIELD',
    doc: "A container for each launch: the body of the Engine API's ContainerCreate, with `Image`.",
  },
  task: {
    kind: 'choices',
    placeholder: 'FIELD',
    doc: 'A Swarm service of one task for each launch: the body of ServiceCreate, with `TaskTemplate.ContainerSpec.Image`.',
  },
  service: {
    kind: 'string',
    doc: 'Name of a Swarm service that exists: its replicas are the instances.',
  },
  pull: {
    kind: 'enum',
    values: ['missing', 'always', 'never'],
    default: 'missing',
    doc: "When the image of a `container` is pulled; Swarm's nodes pull by themselves.",
  },
  registryAuth: {
    kind: 'section',
    optional: true,
    doc: 'Credentials for the registry of the image.',
    table: defineOptions({
      username: { kind: 'string', doc: 'User name.' },
      password: { kind: 'secret', doc: 'Password or access token.' },
      identityToken: { kind: 'secret', doc: 'Identity token, instead of both.' },
      server: { kind: 'string', doc: 'Address of the registry, where it asks for it.' },
    }),
  },
})

export type DockerOptions = Options<typeof DOCKER_OPTIONS>
export type AppOptions = Options<typeof APP_OPTIONS>
