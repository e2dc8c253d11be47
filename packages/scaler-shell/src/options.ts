import { defineOptions, type Options } from '@brxy/options'

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
    doc: 'Program and arguments; it is, or asks for, one instance.',
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
})

export type ShellOptions = Options<typeof SHELL_OPTIONS>
export type AppOptions = Options<typeof APP_OPTIONS>
