import { checkSecret, loadSecret, Tokens } from '@brxy/edge'
import type { CommandEnvironment } from '@brxy/linker/cli'
import { collect, defineOptions } from '@brxy/options'
import { defaultStateDir } from '../state-dir.ts'
import { flagTexts } from '../table-flags.ts'

export const TOKEN_FLAGS = defineOptions({
  routes: {
    kind: 'strings',
    flag: 'route',
    alias: 'r',
    key: 'routes',
    env: 'BRXY_ROUTE',
    required: true,
    placeholder: 'ROUTE',
    doc: 'App that a linker with the token may serve, or * for any.',
  },
  ttlMs: {
    kind: 'duration',
    flag: true,
    default: 24 * 3_600_000,
    min: 1_000,
    max: 10 * 365 * 24 * 3_600_000,
    doc: 'How long it may be used for a first connection.',
  },
  stateDir: {
    kind: 'string',
    flag: true,
    placeholder: 'DIR',
    doc: 'State directory of the edge, with its secret (default: as for brxy edge).',
  },
  secret: { kind: 'secret', doc: 'The secret itself, if the edge has it from there.' },
})

/** Prints a token. @returns the exit code. @throws OptionsError, BrxyError `edge/bad-secret` */
export async function runToken(
  argv: Readonly<Record<string, unknown>>,
  { env }: CommandEnvironment,
): Promise<number> {
  const { values } = collect(TOKEN_FLAGS, { flags: flagTexts(TOKEN_FLAGS, argv), env })
  const secret =
    values.secret === undefined
      ? await loadSecret(values.stateDir ?? defaultStateDir(env))
      : checkSecret(values.secret, 'BRXY_SECRET')
  process.stdout.write(`${await new Tokens(secret).issue({ routes: values.routes }, values.ttlMs)}\n`)
  return 0
}
