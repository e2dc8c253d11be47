import { readFileSync } from 'node:fs'
import type { Environment, Keys, OptionsError } from '@brxy/options'
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
  /** Of what {@link add} was told. */
  readonly #places = new Set<string>()
  /** The same, and all that each of them stands in. */
  readonly #around = new Set<string>()

  constructor(source: ConfigSource | null) {
    this.#source = source
  }

  /** What is wrong in a flag or a variable is thrown at once: the file is not at fault. */
  readonly add = (error: OptionsError): void => {
    this.#add(error)
    // That it has no version says nothing about the rest of the file.
    if (error.keys.length === 0) return
    this.#places.add(JSON.stringify(error.keys))
    for (const around of prefixesOf(error.keys)) this.#around.add(around)
  }

  /**
   * The same for what is checked on top of values of which some may be absent because they were wrong: around and below
   * such a place another mistake only follows from the first.
   */
  readonly addUnlessItFollows = (error: OptionsError): void => {
    const prefixes = prefixesOf(error.keys)
    const follows =
      this.#around.has(JSON.stringify(error.keys)) || prefixes.some((place) => this.#places.has(place))
    if (!follows) this.#add(error)
  }

  #add(error: OptionsError): void {
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

/** A place and all that it stands in, but for the file as a whole. */
function prefixesOf(keys: Keys): string[] {
  return keys.map((_, at) => JSON.stringify(keys.slice(0, at + 1)))
}
