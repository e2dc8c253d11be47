import { defineOptions, type Options, OptionsError, resolveConfig } from '@brxy/options'

/** What is said once for all apps. */
export const SHELL_OPTIONS = defineOptions({
  cwd: {
    kind: 'string',
    doc: "Directory in which commands run whose app says none, and to which an app's is relative (default: that of the configuration file, else the edge's).",
  },
  pathPrefix: {
    kind: 'string',
    doc: "Directory put first on the PATH of each launch, so that the edge's own brxy is found.",
  },
})

/** What is said for each app. */
export const APP_OPTIONS = defineOptions({
  command: {
    kind: 'strings',
    required: true,
    min: 1,
    doc: 'Program and arguments; it is, or asks for, one instance. With `per: app` it brings about the number in `BRXY_WANT`.',
  },
  per: {
    kind: 'enum',
    values: ['launch', 'app'],
    default: 'launch',
    doc: 'Whether the command is run once for each instance, or for the app as a whole, whenever its number changes.',
  },
  observe: {
    kind: 'strings',
    min: 1,
    doc: 'Program and arguments that list the instances, as a line of JSON each. Required with `per: app`.',
  },
  remove: {
    kind: 'strings',
    min: 1,
    doc: 'Program and arguments that remove the instance `BRXY_INSTANCE`, where it is no process of ours. Only with `per: launch`.',
  },
  cwd: { kind: 'string', doc: "Working directory of the command (default: the scaler's `cwd`)." },
  env: { kind: 'map', doc: 'Variables added to the environment of the command.' },
  shell: {
    kind: 'boolean',
    default: false,
    doc: 'Hand the words of the command, joined by spaces, to /bin/sh -c.',
  },
  killAfterMs: {
    kind: 'duration',
    default: 45_000,
    min: 1,
    max: 3_600_000,
    doc: 'Time from SIGTERM to SIGKILL when an instance is removed; a linker needs drain, stop and 5 s.',
  },
  callMs: {
    kind: 'duration',
    default: 30_000,
    min: 1,
    max: 30_000,
    doc: 'Longest run of `observe`, of `remove`, and of the command with `per: app`; then it is killed.',
  },
})

export type ShellOptions = Options<typeof SHELL_OPTIONS>
export type AppOptions = Options<typeof APP_OPTIONS>

/**
 * One app's options, checked one by one and together.
 *
 * @throws OptionsError that names the path
 */
export function appOptionsOf(route: string, given: unknown): AppOptions {
  const path = `apps.${route}.scaler.shell`
  const options = resolveConfig(APP_OPTIONS, given, { path })
  if (options.per === 'app' && options.observe === undefined) {
    const why = 'is required with per: app, for nothing else says what runs'
    throw new OptionsError('options/missing', `${path}.observe`, why, { keys: ['observe'] })
  }
  if (options.per === 'app' && options.remove !== undefined) {
    const why = 'cannot be given with per: app: the command finds in BRXY_REMOVE what is to go'
    throw new OptionsError('options/invalid', `${path}.remove`, why, { keys: ['remove'] })
  }
  return options
}
