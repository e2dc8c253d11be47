const BRAND: unique symbol = Symbol.for('brxy.error')

/** Most problems that one error's message lists; `problems` has the others too. */
const MAX_LISTED = 50

/** Most problems collected from one file: after these the rest of it is not read. */
export const MAX_PROBLEMS = 1000

/** Longest piece of a file that a message repeats, in characters. */
const MAX_SHOWN = 80

/** A place in a text: both count from 1, columns in UTF-16 units as editors do; 0 where the place is unknown. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** One mistake in a config file. */
export interface ConfigProblem extends Position {
  /** As it was named on the command line. */
  readonly file: string
  /** The way to the value, such as `apps.shop.hosts[0]`; empty for the file as a whole. */
  readonly path: string
  /** What is wrong and what to write instead. Never what a variable holds. */
  readonly message: string
}

/**
 * A config file that cannot be used, with everything that is wrong with it. The message has one line for each problem,
 * `brxy.yaml:12:5: apps.shop.hosts: ...`, for at most 50 of them.
 *
 * Branded with `Symbol.for('brxy.error')`, as every brxy error.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly [BRAND] = true
  readonly code = 'config/invalid'
  /** The same file fails again. */
  readonly retryable = false
  /** In the order of discovery; at least one. */
  readonly problems: readonly ConfigProblem[]

  /** @param problems at least one */
  constructor(problems: readonly ConfigProblem[], options?: { cause?: unknown }) {
    const lines = problems.slice(0, MAX_LISTED).map((problem) => formatProblem(problem))
    if (problems.length > MAX_LISTED) lines.push(`and ${problems.length - MAX_LISTED} more`)
    super(lines.join('\n'), options)
    this.problems = problems
  }
}

/** One line about something that works and may not be meant so: `brxy.yaml:3:10: warning: admin.token: ...`. */
export function formatWarning(problem: ConfigProblem): string {
  return formatProblem(problem, 'warning: ')
}

/** `file:line:column: path: message`; what is unknown is left out. */
function formatProblem({ file, line, column, path, message }: ConfigProblem, kind = ''): string {
  const place = [file, line, column].filter((part) => part !== 0).join(':')
  return `${place}: ${kind}${path === '' ? '' : `${path}: `}${message}`
}

/** A piece of a file as a message shows it: quoted, on one line, cut after 80 characters. */
export function shown(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text)
}

/** "`*.example.com` must be quoted": the commonest mistake in a file with wildcard hosts. */
export function starMustBeQuoted(text: string, offset: number): string {
  return `${shown(plainTextAt(text, offset))} must be quoted: a * at the start is YAML's alias sign`
}

/** What somebody meant as a plain scalar: up to the line's end, a comment, a `: ` or a flow indicator. */
export function plainTextAt(text: string, offset: number): string {
  const end = /[\r\n,[\]{}]|[ \t]#|:(?=[ \t\r\n]|$)/g
  end.lastIndex = offset
  return text.slice(offset, end.exec(text)?.index).trimEnd()
}

/** Turns offsets into lines and columns. Nothing is computed before the first question: most files are right. */
export class Lines {
  readonly #text: string
  #starts: Uint32Array | undefined

  constructor(text: string) {
    this.#text = text
  }

  /** @param offset of a character of the text, or its length */
  at(offset: number): Position {
    const starts = (this.#starts ??= lineStarts(this.#text))
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if (starts[middle] <= offset) low = middle
      else high = middle
    }
    return { line: low + 1, column: Math.max(1, offset - starts[low] + 1) }
  }
}

// YAML 1.2.2 5.4: a line ends with LF, CR or CRLF, and with nothing else that Unicode calls a line break.
const LINE_BREAK = /\r\n?|\n/g

function lineStarts(text: string): Uint32Array {
  let count = 1
  for (const _ of text.matchAll(LINE_BREAK)) count++
  const starts = new Uint32Array(count)
  // A byte order mark (YAML 1.2.2 5.2) is no column that an editor shows.
  starts[0] = text.startsWith('\uFEFF') ? 1 : 0
  let line = 0
  for (const found of text.matchAll(LINE_BREAK)) starts[++line] = found.index + found[0].length
  return starts
}

/** Gathers the problems of one text, so that an operator sees all of them at once. */
export class Problems {
  readonly #file: string
  readonly #lines: Lines
  readonly #list: ConfigProblem[] = []

  constructor(file: string, lines: Lines) {
    this.#file = file
    this.#lines = lines
  }

  /**
   * Notes a problem and lets the reading go on.
   *
   * @param offset where it stands; -1 if that is unknown
   * @throws ConfigError with all so far, once there are {@link MAX_PROBLEMS}
   */
  add(offset: number, path: string, message: string): void {
    const { line, column } = offset === -1 ? { line: 0, column: 0 } : this.#lines.at(offset)
    this.#list.push({ file: this.#file, line, column, path, message })
    if (this.#list.length >= MAX_PROBLEMS) this.throwIfAny()
  }

  /**
   * Notes a problem after which nothing more can be read.
   *
   * @throws ConfigError always, with all so far
   */
  fail(offset: number, path: string, message: string): never {
    this.add(offset, path, message)
    throw new ConfigError(this.#list)
  }

  /** @throws ConfigError with all that were noted, unless there was none */
  throwIfAny(): void {
    if (this.#list.length > 0) throw new ConfigError(this.#list)
  }

  /** The line of an offset, for a message that names two places. */
  lineOf(offset: number): number {
    return this.#lines.at(offset).line
  }
}
