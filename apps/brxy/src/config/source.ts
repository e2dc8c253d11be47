import type { Environment, Keys } from '@brxy/options'
import { EVENT_ID, type Event, parseEvents, YAMLException } from 'js-yaml'
import { type ConfigNode, type ConfigPlace, compose, MAX_DEPTH } from './compose.ts'
import { Lines, type Position, Problems, plainTextAt, shown, starMustBeQuoted } from './problem.ts'

/** Longest file, in UTF-16 units: more than ten times what a hundred thousand small apps need. */
export const MAX_TEXT = 16 * 1024 * 1024

/** A config file's values, and where in the file each of them stands. What the values mean is for others to say. */
export class ConfigSource {
  /** As it was named on the command line. */
  readonly file: string
  readonly #root: ConfigPlace
  readonly #lines: Lines

  private constructor(file: string, root: ConfigPlace, lines: Lines) {
    this.file = file
    this.#root = root
    this.#lines = lines
  }

  /**
   * Reads YAML 1.2 by its core schema: one document, keys that are text, no key twice, no merge keys, no tags of one's
   * own, and variables filled into values ({@link interpolate}); a plain scalar is resolved after that, so
   * `max: ${MAX}` is a number and an empty one null, while quoted text stays text.
   *
   * @param file its name for problems; it is not opened
   * @param text at most 64 Mi characters
   * @param env what `${NAME}` reads, such as `process.env`
   * @throws ConfigError `config/invalid`: all problems of the values; of YAML's syntax the first, since nothing after
   *   it can be trusted
   */
  static parse(file: string, text: string, env: Environment): ConfigSource {
    const lines = new Lines(text)
    const problems = new Problems(file, lines)
    if (text.length > MAX_TEXT) {
      problems.fail(-1, '', `the file has ${text.length} characters; at most ${MAX_TEXT} are read`)
    }
    const events = readEvents(text, problems)
    checkOneDocument(text, events, problems)
    const root = compose(text, events, env, problems)
    problems.throwIfAny()
    return new ConfigSource(file, root, lines)
  }

  /**
   * Mappings (without a prototype, so that `constructor` and `__proto__` are keys like others), arrays, strings, numbers
   * of at most 2^53 - 1, booleans and null. What an alias stands for is the same object wherever it is used.
   */
  get value(): unknown {
    return this.#root.node.value
  }

  /**
   * Where a value or its key stands; in a list both are the element. If there is no such value, the place of what would
   * hold it, or of what would hold that. Below an alias it is the place where the anchored value is written.
   */
  position(keys: Keys, what: 'key' | 'value'): Position {
    let place = this.#root
    for (const key of keys) {
      const child = childOf(place.node, key)
      if (child === undefined) break
      place = child
    }
    return this.#lines.at(what === 'key' ? place.keyStart : place.valueStart)
  }

  /**
   * The text of a scalar as the file has it, with `${NAME}` for what the variable holds, without quotes and line folding;
   * undefined if no variable was used. Whoever shows values shows this instead: a variable may hold a secret.
   */
  written(keys: Keys): string | undefined {
    let node: ConfigNode | undefined = this.#root.node
    for (const key of keys) node = node && childOf(node, key)?.node
    return node?.written
  }
}

function childOf({ children }: ConfigNode, key: string | number): ConfigPlace | undefined {
  if (children instanceof Map) return typeof key === 'string' ? children.get(key) : undefined
  return Array.isArray(children) && typeof key === 'number' ? children[key] : undefined
}

/** js-yaml counts the start of a flow collection within block ones twice; the exact bound is compose's. */
const MAX_PARSER_DEPTH = MAX_DEPTH + 2

function readEvents(text: string, problems: Problems): readonly Event[] {
  try {
    return parseEvents(text, { maxDepth: MAX_PARSER_DEPTH })
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    const { offset, message } = explain(text, error.reason, error.mark?.position ?? 0)
    return problems.fail(offset, '', message)
  }
}

function checkOneDocument(text: string, events: readonly Event[], problems: Problems): void {
  const documents = events.filter((event) => event.type === EVENT_ID.DOCUMENT)
  const [first] = documents
  if (first === undefined || isEmpty(events)) {
    problems.fail(0, '', 'the file is empty; it begins with version: 1')
  }
  if (documents.length > 1) {
    const markers = [...text.matchAll(/^(?:---|\.\.\.)(?=\s|$)/gm)]
    const second = markers.at(first.explicitStart ? 1 : 0)?.index
    problems.fail(
      second ?? -1,
      '',
      'a second YAML document begins here; a config is one, remove the --- or ...',
    )
  }
  if (first.directives.some((directive) => directive.kind === 'tag')) {
    problems.add(text.search(/^%TAG/m), '', '%TAG is not supported; remove it')
  }
}

/** `---` alone is a document, with one scalar that stands nowhere. */
function isEmpty(events: readonly Event[]): boolean {
  const [, root, end] = events
  return (
    events.length === 3 &&
    end.type === EVENT_ID.POP &&
    root.type === EVENT_ID.SCALAR &&
    root.valueStart === -1
  )
}

const MISPLACED =
  'this does not belong here: the indentation is wrong, or a text with special characters needs quotes'

const MISPLACED_COLON =
  'this ":" does not belong here: the indentation is wrong, or a text with ": " in it needs quotes'

/** js-yaml's reasons in an operator's words, with the remedy. Those that are missing here are clear as they are. */
const IN_PLAIN_WORDS: Readonly<Record<string, string>> = {
  'bad indentation of a mapping entry': MISPLACED,
  'bad indentation of a sequence entry': MISPLACED,
  'end of the stream or a document separator is expected': MISPLACED,
  'missed comma between flow collection entries': 'a comma is missing before this, or a text needs quotes',
  'deficient indentation': 'a [, { or quote above is not closed, or this line is not indented enough',
  "expected ':' after a mapping key": 'a ":" is missing after this key',
  'can not read a block mapping entry; a multiline key may not be an implicit key':
    'a ":" is missing after the key above, or the indentation is wrong',
  'unexpected end of the stream within a flow collection': 'the file ends before a [ or { is closed',
  'unexpected end of the stream within a double quoted scalar': 'the file ends before a " is closed',
  'unexpected end of the stream within a single quoted scalar': "the file ends before a ' is closed",
  'tab characters must not be used in indentation': 'a tab must not be used for indentation; use spaces',
  'unknown escape sequence':
    'there is no such escape in double quotes; use \\\\ for a backslash, or single quotes',
  'a line break is expected':
    'after | or > the text begins in the next line; quote a text that starts with one',
  'name of an anchor node must contain at least one character': 'quote a text that starts with &',
  'directives end mark is expected': 'quote a text that starts with %',
  "expected the node content, but found ','": 'there is nothing before this comma',
  'the stream contains non-printable characters':
    'this character is not printable; write it as an escape in double quotes',
  [`nesting exceeded maxDepth (${MAX_PARSER_DEPTH})`]: `is nested deeper than ${MAX_DEPTH} levels`,
}

/** What js-yaml says when it took the start of a text for a sign of YAML's, and stops somewhere behind it. */
const MISREAD: ReadonlySet<string> = new Set([
  'bad indentation of a mapping entry',
  'bad indentation of a sequence entry',
  'end of the stream or a document separator is expected',
  'missed comma between flow collection entries',
  "expected ':' after a mapping key",
  'can not read a block mapping entry; a multiline key may not be an implicit key',
  'name of an alias node must contain at least one character',
  'alias node should not have any properties',
])

/** What an operator should read where js-yaml gives `reason` at a position. */
function explain(text: string, reason: string, position: number): { offset: number; message: string } {
  const message = IN_PLAIN_WORDS[reason] ?? reason
  if (!MISREAD.has(reason)) return { offset: position, message }
  const star = starBefore(text, position)
  if (star !== -1) return { offset: star, message: starMustBeQuoted(text, star) }
  const sign = text[position] ?? ''
  // YAML 1.2.2 5.3: reserved, or the sign of a directive.
  if (/^[@`%]$/.test(sign)) {
    const meant = shown(plainTextAt(text, position))
    return { offset: position, message: `${meant} must be quoted: ${sign} cannot start a text in YAML` }
  }
  // `[${A}]` is a $ and a mapping, since a { inside [ ] or { } always opens one.
  if (text.startsWith('${', position - 1)) {
    return { offset: position - 1, message: `a text with \${ in it needs quotes inside [ ] and { }` }
  }
  if (message === MISPLACED && /^:\s/.test(text.slice(position, position + 2))) {
    return { offset: position, message: MISPLACED_COLON }
  }
  return { offset: position, message }
}

/**
 * The `*` of an alias that made js-yaml stop, or -1. It complains about what follows the alias, in the same line
 * (`*.example.com: x`, `* * * * *`) or, where that is a key, at the first thing in the next.
 */
function starBefore(text: string, position: number): number {
  const from = Math.max(0, position - MAX_LOOK_BACK)
  const before = text.slice(from, position + 1)
  const lineStart =
    Math.max(before.lastIndexOf('\n', position - from - 1), before.lastIndexOf('\r', position - from - 1)) + 1
  const inLine = aliasSign(before.slice(lineStart))
  if (inLine !== -1) return from + lineStart + inLine
  const above = /(?:^|[\r\n])[ \t]*(?:- +)?(?<star>\*[^\r\n]*:)\s*$/d.exec(before.slice(0, position - from))
  const star = above?.indices?.groups?.star
  return star === undefined ? -1 : from + star[0]
}

/** How far before the place of an error its cause is looked for, in UTF-16 units. */
const MAX_LOOK_BACK = 1000

/** The offset of the first `*` in a line that begins an alias: not one in quotes or the midst of a text. */
function aliasSign(line: string): number {
  for (const { index, 0: found } of line.matchAll(/(?:^|[[{,]|(?:^|[ \t])[-?]|:[ \t])[ \t]*\*/g)) {
    const star = index + found.length - 1
    const prefix = line.slice(0, star)
    const inQuotes = prefix.split('"').length % 2 === 0 || prefix.split("'").length % 2 === 0
    if (!inQuotes) return star
  }
  return -1
}
