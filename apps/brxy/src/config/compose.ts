import { type Environment, joinPath } from '@brxy/options'
import {
  boolCoreTag,
  EVENT_ID,
  type Event,
  floatCoreTag,
  getScalarValue,
  intCoreTag,
  type MappingEvent,
  NOT_RESOLVED,
  nullCoreTag,
  SCALAR_STYLE,
  type ScalarEvent,
  type SequenceEvent,
} from 'js-yaml'
import { interpolate } from './interpolate.ts'
import { type Problems, shown, starMustBeQuoted } from './problem.ts'

/**
 * Most nodes of a file, its keys not counted and each alias counted as all that it stands for: ten lines of aliases of
 * aliases are ten billion nodes to whoever walks through them.
 */
export const MAX_NODES = 2_000_000

/** Deepest nesting, through aliases too: a scalar in a list in a mapping is 3. */
export const MAX_DEPTH = 100

/** Most text, in UTF-16 units, that all scalars with variables in them may become together. */
export const MAX_SUBSTITUTED = 64 * 1024 * 1024

/** One value of a file. What an anchor names is one node with several places. */
export interface ConfigNode {
  /** A mapping without a prototype, a list, text, number, boolean or null. */
  readonly value: unknown
  /** By key in a mapping, by index in a list; undefined in a scalar. */
  readonly children: ReadonlyMap<string, ConfigPlace> | readonly ConfigPlace[] | undefined
  /** The text before its variables were filled in; undefined if it names none. */
  readonly written: string | undefined
}

/** Where a node is used. Offsets of the text's UTF-16 units. */
export interface ConfigPlace {
  readonly node: ConfigNode
  /** Its key; in a list the element itself. */
  readonly keyStart: number
  /** Its text: a quote belongs to it, a tag or anchor does not. An absent value has its key's or its list's. */
  readonly valueStart: number
}

/**
 * Builds the values of one document from a parser's events, by YAML 1.2's core schema (YAML 1.2.2 10.3). js-yaml's own
 * construction forgets where everything stood, stops at the first mistake, and reads `true:` as a key.
 *
 * What is wrong goes to `problems`, and null stands in for it.
 *
 * @param text what the events' offsets refer to
 * @param events exactly one document's
 * @throws ConfigError when there is too much of something: problems, nodes, nesting
 */
export function compose(
  text: string,
  events: readonly Event[],
  env: Environment,
  problems: Problems,
): ConfigPlace {
  return new Composer(text, env, problems).run(events)
}

/** A node that may still grow. */
interface OpenNode extends ConfigNode {
  readonly children: Map<string, ConfigPlace> | ConfigPlace[] | undefined
  /** It and all below it. */
  nodeCount: number
  /** 1 for a scalar. */
  height: number
}

/** A key that waits for its value. */
interface Key {
  /** undefined: already reported, so its value goes nowhere. */
  readonly text: string | undefined
  readonly start: number
}

/** A collection that is being read. */
interface Frame {
  readonly node: OpenNode
  readonly start: number
  key: Key | undefined
}

const ABSENT = -1

class Composer {
  readonly #text: string
  readonly #env: Environment
  readonly #problems: Problems
  readonly #frames: Frame[] = []
  readonly #anchors = new Map<string, OpenNode>()
  #root: ConfigPlace = { node: scalarNode(null), keyStart: 0, valueStart: 0 }
  #nodeCount = 0
  #substitutedLength = 0

  constructor(text: string, env: Environment, problems: Problems) {
    this.#text = text
    this.#env = env
    this.#problems = problems
  }

  run(events: readonly Event[]): ConfigPlace {
    for (const event of events) {
      switch (event.type) {
        case EVENT_ID.SCALAR:
          if (this.#isKeyNext()) this.#readKey(event)
          else this.#readScalar(event)
          break
        case EVENT_ID.SEQUENCE:
        case EVENT_ID.MAPPING:
          this.#open(event)
          break
        case EVENT_ID.ALIAS:
          this.#readAlias(this.#text.slice(event.anchorStart, event.anchorEnd), event.anchorStart - 1)
          break
        case EVENT_ID.POP: {
          const frame = this.#frames.pop()
          if (frame !== undefined) this.#place(frame.node, frame.start)
          break
        }
        case EVENT_ID.DOCUMENT:
          break
      }
    }
    return this.#root
  }

  #open(event: SequenceEvent | MappingEvent): void {
    const isMapping = event.type === EVENT_ID.MAPPING
    const tag = this.#tag(event)
    if (tag !== '' && tag !== '!' && tag !== (isMapping ? '!!map' : '!!seq')) {
      this.#report(event.tagStart, `${tag} does not fit a ${isMapping ? 'mapping' : 'list'}; remove it`)
    }
    // Without a prototype `__proto__` and `constructor` are keys like all others.
    const node: OpenNode = isMapping
      ? { value: Object.create(null), children: new Map(), written: undefined, nodeCount: 1, height: 1 }
      : { value: [], children: [], written: undefined, nodeCount: 1, height: 1 }
    this.#count(1, 1, event.start)
    this.#anchor(event, node)
    this.#frames.push({ node, start: event.start, key: undefined })
  }

  #readScalar(event: ScalarEvent): void {
    const start = scalarStart(this.#text, event)
    const written = getScalarValue(this.#text, event)
    const tag = this.#tag(event)
    const filled = interpolate(written, this.#env)
    this.#count(1, 1, start)
    if ('problem' in filled) {
      this.#report(variableStart(this.#text, event, written, filled.offset), filled.problem)
      this.#finish(event, scalarNode(null), start)
      return
    }
    if (filled.wasUsed) this.#countSubstituted(filled.text.length, start)
    const resolved = resolveScalar(filled.text, event.style === SCALAR_STYLE.PLAIN, tag)
    // What was written, not what it became: a variable may hold a secret.
    if (resolved.problem !== undefined) this.#report(start, `${shown(written)} ${resolved.problem}`)
    this.#finish(event, scalarNode(resolved.value, filled.wasUsed ? written : undefined), start)
  }

  #finish(event: ScalarEvent, node: OpenNode, start: number): void {
    this.#anchor(event, node)
    this.#place(node, start)
  }

  #readAlias(name: string, start: number): void {
    const target = this.#anchors.get(name)
    const isKey = this.#isKeyNext()
    const problem = this.#aliasProblem(name, target, isKey, start)
    if (problem !== undefined) this.#report(start, problem)
    if (isKey) {
      this.#frames[this.#frames.length - 1].key = { text: undefined, start }
      return
    }
    const node = problem === undefined && target !== undefined ? target : scalarNode(null)
    this.#count(node.nodeCount, node.height, start)
    this.#place(node, start)
  }

  #aliasProblem(name: string, target: OpenNode | undefined, isKey: boolean, start: number) {
    if (target === undefined) {
      const also = /^\w+$/.test(name) ? `, and there is no anchor &${name} above it` : ''
      return starMustBeQuoted(this.#text, start) + also
    }
    if (isKey) return `a key must be written out; *${name} is an alias`
    if (this.#frames.some((frame) => frame.node === target)) {
      return `the alias *${name} stands inside what its anchor &${name} names, which would never end`
    }
    return undefined
  }

  /** YAML allows any value as a key. Here a key is text, and one that does not look like text is quoted. */
  #readKey(event: ScalarEvent): void {
    const frame = this.#frames[this.#frames.length - 1]
    const found = scalarStart(this.#text, event)
    const start = found === ABSENT ? frame.start : found
    const text = getScalarValue(this.#text, event)
    const problem = this.#keyProblem(event, frame, text, start)
    if (problem !== undefined) this.#report(start, problem, text)
    this.#anchor(event, scalarNode(text))
    frame.key = { text: problem === undefined ? text : undefined, start }
  }

  #keyProblem(event: ScalarEvent, frame: Frame, text: string, start: number): string | undefined {
    const tag = this.#tag(event)
    const isPlain = event.style === SCALAR_STYLE.PLAIN && tag === ''
    if (isPlain && text === '<<')
      return "YAML's merge key << is not supported; put what is shared into defaults:"
    const { value } = resolveScalar(text, event.style === SCALAR_STYLE.PLAIN, tag)
    if (value === null && text === '') return 'a key is missing before the ":"'
    if (typeof value !== 'string') {
      return `this key would be a ${value === null ? 'null' : typeof value}; quote it: ${shown(text)}`
    }
    const first = (frame.node.children as Map<string, ConfigPlace>).get(text)
    if (first === undefined) return undefined
    const lines = `lines ${this.#problems.lineOf(first.keyStart)} and ${this.#problems.lineOf(start)}`
    return `the key ${shown(text)} stands twice, in ${lines}; remove one`
  }

  /** Puts a finished node where it belongs: into the collection around it, or as the document's root. */
  #place(node: OpenNode, start: number): void {
    const frame = this.#frames.at(-1)
    if (frame === undefined) {
      const at = Math.max(0, start)
      this.#root = { node, keyStart: at, valueStart: at }
      return
    }
    const parent = frame.node
    parent.nodeCount += node.nodeCount
    parent.height = Math.max(parent.height, node.height + 1)
    if (Array.isArray(parent.children)) {
      const at = start === ABSENT ? frame.start : start
      parent.children.push({ node, keyStart: at, valueStart: at })
      const list = parent.value as unknown[]
      list.push(node.value)
      return
    }
    const key = frame.key
    if (key === undefined) {
      this.#report(start, 'a key must be text, not a list or mapping; quote it if it is text')
      frame.key = { text: undefined, start }
      return
    }
    frame.key = undefined
    if (key.text === undefined) return
    parent.children?.set(key.text, {
      node,
      keyStart: key.start,
      valueStart: start === ABSENT ? key.start : start,
    })
    const mapping = parent.value as Record<string, unknown>
    mapping[key.text] = node.value
  }

  #isKeyNext(): boolean {
    const frame = this.#frames.at(-1)
    return frame !== undefined && frame.key === undefined && !Array.isArray(frame.node.children)
  }

  /** A later anchor of the same name takes its place (YAML 1.2.2 7.1). */
  #anchor(event: ScalarEvent | SequenceEvent | MappingEvent, node: OpenNode): void {
    if (event.anchorStart !== ABSENT) {
      this.#anchors.set(this.#text.slice(event.anchorStart, event.anchorEnd), node)
    }
  }

  /** The tag in its short form, '' if there is none or none that is known. */
  #tag(event: ScalarEvent | SequenceEvent | MappingEvent): string {
    if (event.tagStart === ABSENT) return ''
    const written = this.#text.slice(event.tagStart, event.tagEnd)
    const tag = written.replace(/^!<tag:yaml\.org,2002:(\w+)>$/, '!!$1')
    if (CORE_TAGS.has(tag)) return tag
    this.#report(
      event.tagStart,
      `the tag ${shown(written)} is not known; remove it, or quote it if it is text`,
    )
    return ''
  }

  /** Before a node is placed: whether there is room for it and all below it. */
  #count(nodes: number, height: number, start: number): void {
    if (this.#frames.length + height > MAX_DEPTH) {
      this.#problems.fail(start, this.#path(), `is nested deeper than ${MAX_DEPTH} levels`)
    }
    this.#nodeCount += nodes
    if (this.#nodeCount <= MAX_NODES) return
    this.#problems.fail(
      start,
      this.#path(),
      `the file has more than ${MAX_NODES} values, aliases counted in full`,
    )
  }

  #countSubstituted(length: number, start: number): void {
    this.#substitutedLength += length
    if (this.#substitutedLength <= MAX_SUBSTITUTED) return
    const message = `variables make the file's texts longer than ${MAX_SUBSTITUTED} characters`
    this.#problems.fail(start, this.#path(), message)
  }

  /** @param key the last step of the path, where it is not in the frame yet */
  #report(start: number, message: string, key?: string): void {
    const path = this.#path()
    // What has no text of its own stands where its collection begins.
    const at = start === ABSENT ? (this.#frames.at(-1)?.start ?? 0) : start
    this.#problems.add(at, key === undefined ? path : joinPath(path, key), message)
  }

  /** The way to what is being read. */
  #path(): string {
    let path = ''
    for (const { node, key } of this.#frames) {
      if (Array.isArray(node.children)) path = joinPath(path, node.children.length)
      else if (key?.text !== undefined) path = joinPath(path, key.text)
      else break
    }
    return path
  }
}

function scalarNode(value: unknown, written?: string): OpenNode {
  return { value, children: undefined, written, nodeCount: 1, height: 1 }
}

const CORE_TAGS = new Set(['!', '!!str', '!!int', '!!float', '!!bool', '!!null', '!!map', '!!seq'])

const TAG_RESOLVERS = new Map<string, (text: string) => unknown>([
  ['!!int', (text) => intCoreTag.resolve(text, true, '')],
  ['!!float', (text) => floatCoreTag.resolve(text, true, '')],
  ['!!bool', (text) => boolCoreTag.resolve(text, true, '')],
  ['!!null', (text) => nullCoreTag.resolve(text, true, '')],
  ['!!map', () => NOT_RESOLVED],
  ['!!seq', () => NOT_RESOLVED],
])

/** A number too large for a double is text to js-yaml; nobody who wrote it means that. */
const NUMBER = /^(?:[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|0x[0-9a-fA-F]+|0o[0-7]+)$/

/** The value of a scalar, or null and what is wrong, to be read after the scalar itself. */
function resolveScalar(text: string, isPlain: boolean, tag: string): { value: unknown; problem?: string } {
  let value: unknown = text
  if (tag === '' && isPlain) value = resolvePlain(text)
  else if (tag !== '') value = (TAG_RESOLVERS.get(tag) ?? String)(text)
  if (value === NOT_RESOLVED) return { value: null, problem: `does not fit its tag ${tag}; remove the tag` }
  const isInexact =
    typeof value === 'number'
      ? !(Math.abs(value) <= Number.MAX_SAFE_INTEGER)
      : value === text && tag === '' && isPlain && NUMBER.test(text)
  if (isInexact) return { value: null, problem: 'is not a number that can be kept exactly; quote it' }
  return { value }
}

function resolvePlain(text: string): unknown {
  let value: unknown = nullCoreTag.resolve(text, false, '')
  if (value === NOT_RESOLVED) value = boolCoreTag.resolve(text, false, '')
  if (value === NOT_RESOLVED) value = intCoreTag.resolve(text, false, '')
  if (value === NOT_RESOLVED) value = floatCoreTag.resolve(text, false, '')
  return value === NOT_RESOLVED ? text : value
}

/** Where a reader sees a scalar begin: its quote, or the first letter in a block of text; -1 if it has no text. */
function scalarStart(text: string, { style, valueStart, valueEnd }: ScalarEvent): number {
  if (valueStart === ABSENT || style === SCALAR_STYLE.PLAIN) return valueStart
  if (style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED) return valueStart - 1
  const letter = text.slice(valueStart, valueEnd).search(/\S/)
  return letter === -1 ? valueStart : valueStart + letter
}

/** Where in the file the `${` at an offset of a scalar's value stands. */
function variableStart(text: string, event: ScalarEvent, value: string, offset: number): number {
  // Folding and escapes move offsets but keep the order of the `${`, unless one was itself written as an escape.
  const starts = [...text.slice(event.valueStart, event.valueEnd).matchAll(/\$\{/g)]
  if (starts.length !== [...value.matchAll(/\$\{/g)].length) return scalarStart(text, event)
  const before = [...value.slice(0, offset).matchAll(/\$\{/g)].length
  return event.valueStart + starts[before].index
}
