import { readFileSync } from 'node:fs'
import type { Environment, OptionsError } from '@brxy/options'
import { ConfigError, type ConfigProblem, type Position } from './problem.ts'
import { ConfigSource } from './source.ts'

/** Opens a configuration file. @throws ConfigError */
export function readSource(file: string, env: Environment): ConfigSource {
  return ConfigSource.parse(file, readText(file), env)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause)
    const why =
      code === 'ENOENT' ? 'there is no such file; `brxy init` writes one' : `cannot be read (${code})`
    throw new ConfigError([{ file, line: 0, column: 0, path: '', message: why }], { cause })
  }
}

/** Mistakes, with their places. */
export class Report {
  readonly #source: ConfigSource | null
  readonly #problems: ConfigProblem[] = []

  constructor(source: ConfigSource | null) {
    this.#source = source
  }

  /** What is wrong in a flag or a variable is thrown at once: the file is not at fault. */
  readonly add = (error: OptionsError): void => {
    const { code, path, keys, detail } = error
    const source = this.#source
    if (source === null || /^(--|BRXY_)/.test(path)) throw error
    const place: Position = source.position(keys, code === 'options/unknown' ? 'key' : 'value')
    this.#problems.push({ file: source.file, ...place, path, message: detail })
  }

  throwIfAny(): void {
    if (this.#problems.length === 0) return
    throw new ConfigError(this.#problems.sort((a, b) => a.line - b.line || a.column - b.column))
  }
}
