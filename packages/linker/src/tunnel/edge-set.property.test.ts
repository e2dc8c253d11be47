import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EdgeSet, type EdgeSetAction } from './edge-set.ts'

/** Not enough for all that there can be: four URLs, and a name of four addresses. */
const FEW = 6
const ENOUGH = 8
const IPS = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']
const NAME = 'ws://edges.example:9080'
const GIVEN = [NAME, 'ws://10.0.0.1:9080', 'ws://10.0.0.3:9080']
const urlOf = (ip: string) => `ws://${ip}:9080`

/** One move of the world. Numbers choose among what there is. */
type Move =
  | { readonly kind: 'try' | 'answer' | 'cut'; readonly which: number }
  /** An address leads to another edge (a restart, a load balancer), or to none. */
  | { readonly kind: 'move'; readonly ip: number; readonly edge: number }
  | { readonly kind: 'dns'; readonly ips: number[] }
  | { readonly kind: 'peers'; readonly ips: number[] }

const some = fc.uniqueArray(fc.nat(IPS.length - 1), { minLength: 1 })
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('try' as const), which: fc.nat(9) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('answer' as const), which: fc.nat(9) }) },
  fc.record({ kind: fc.constant('cut' as const), which: fc.nat(9) }),
  fc.record({
    kind: fc.constant('move' as const),
    ip: fc.nat(IPS.length - 1),
    edge: fc.integer({ min: -1, max: 3 }),
  }),
  fc.record({ kind: fc.constant('dns' as const), ips: some }),
  fc.record({ kind: fc.constant('peers' as const), ips: some }),
)

interface Session {
  readonly ip: string
  readonly edge: number
  readonly id: string
  /** What its WELCOME said. */
  readonly peers: readonly number[]
}

/** Edges that have one session with an instance each, some addresses that lead to them, and a linker that uses a set. */
class World {
  readonly set: EdgeSet
  /** By IP: the edge that is there; -1: none. */
  readonly edgeAt = [0, 1, 2, 2]
  dns = [0]
  peers = [0, 1]
  /** Links that dial, by key. */
  readonly dialling = new Map<string, string>()
  /** Those that said HELLO, with what it continued and the edge that hears it. */
  readonly greeting = new Map<
    string,
    { readonly ip: string; readonly edge: number; readonly replaces?: string }
  >()
  readonly sessions = new Map<string, Session>()
  #count = 0

  constructor(max: number) {
    this.set = new EdgeSet(max)
    this.#do(this.set.configure(GIVEN))
    this.#do(
      this.set.resolved(
        `${NAME}/brxy/v1/link`,
        this.dns.map((at) => IPS[at]),
      ),
    )
  }

  make(move: Move): void {
    switch (move.kind) {
      case 'try':
        return this.try(pick([...this.dialling.keys()], move.which))
      case 'answer':
        return this.answer(pick([...this.greeting.keys()], move.which))
      case 'cut':
        return this.cut(pick([...this.sessions.keys()], move.which))
      case 'move':
        this.edgeAt[move.ip] = move.edge
        for (const [key, { ip }] of this.sessions) if (ip === IPS[move.ip]) this.cut(key)
        return
      case 'dns':
        this.dns = move.ips
        return this.#do(
          this.set.resolved(
            `${NAME}/brxy/v1/link`,
            this.dns.map((at) => IPS[at]),
          ),
        )
      case 'peers':
        this.peers = move.ips
        return
    }
  }

  try(key: string | undefined): void {
    if (key === undefined) return
    const ip = this.dialling.get(key) as string
    const edge = this.edgeAt[IPS.indexOf(ip)]
    if (edge < 0) return this.#do(this.set.failed(key))
    const replaces = this.set.continues(key)?.replaces
    this.set.opened(key)
    this.dialling.delete(key)
    this.greeting.set(key, { ip, edge, ...(replaces === undefined ? {} : { replaces }) })
  }

  answer(key: string | undefined): void {
    if (key === undefined) return
    const { ip, edge, replaces } = this.greeting.get(key) as { ip: string; edge: number; replaces?: string }
    this.greeting.delete(key)
    if (this.edgeAt[IPS.indexOf(ip)] !== edge) {
      this.dialling.set(key, ip)
      return this.#do(this.set.failed(key))
    }
    const other = [...this.sessions].find(([, session]) => session.edge === edge)
    if (other !== undefined) {
      if (replaces !== `e${edge}` && replaces?.startsWith(`e${edge}-`) !== true) {
        this.dialling.set(key, ip)
        return this.#do(this.set.rejected(key, `e${edge}`))
      }
      this.cut(other[0])
    }
    this.sessions.set(key, { ip, edge, id: `e${edge}-${++this.#count}`, peers: this.peers })
    this.#do(this.set.up(key, `e${edge}`, [urlOf(ip), ...this.peers.map((at) => urlOf(IPS[at]))]))
  }

  cut(key: string | undefined): void {
    if (key === undefined) return
    const { ip, id } = this.sessions.get(key) as { ip: string; id: string }
    this.sessions.delete(key)
    this.dialling.set(key, ip)
    this.#do(this.set.down(key, { replaces: id, received: 0 }))
  }

  #do(actions: readonly EdgeSetAction[]): void {
    for (const action of actions) {
      if (action.kind === 'dial') {
        const { key, url, ip } = action.address
        expect(this.sessions.has(key) || this.greeting.has(key), `${key} is dialled while it is in use`).toBe(
          false,
        )
        this.dialling.set(key, ip ?? url.hostname)
      } else if (action.kind === 'rest' || action.kind === 'drop') {
        expect(this.sessions.has(action.key) || this.greeting.has(action.key), `${action.kind} in use`).toBe(
          false,
        )
        this.dialling.delete(action.key)
      }
    }
  }

  get size(): number {
    return new Set([...this.dialling.keys(), ...this.greeting.keys(), ...this.sessions.keys()]).size
  }

  /** Nothing changes any more: everybody who dials gets an answer, again and again. */
  settle(): void {
    for (let round = 0; round < 12; round++) {
      for (const key of [...this.greeting.keys()]) if (this.greeting.has(key)) this.answer(key)
      for (const key of [...this.dialling.keys()]) if (this.dialling.has(key)) this.try(key)
    }
    for (const key of [...this.greeting.keys()]) if (this.greeting.has(key)) this.answer(key)
  }
}

function pick<T>(all: readonly T[], which: number): T | undefined {
  return all.length === 0 ? undefined : all[which % all.length]
}

describe('whatever happens to edges, names and sessions', () => {
  it('no address in use is dialled, and there are as many as may be at most', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const world = new World(FEW)
        for (const one of moves) {
          world.make(one)
          expect(world.size).toBeLessThanOrEqual(FEW)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('in the end each edge that can be reached has one session, and only dead addresses are dialled', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const world = new World(ENOUGH)
        for (const one of moves) world.make(one)
        world.settle()
        const linked = [...world.sessions.values()].map(({ edge }) => edge).sort()
        expect(new Set(linked).size).toBe(linked.length)
        // Those at the addresses that were given, and those that these know.
        const known = new Set([0, 2, ...world.dns])
        for (const { peers } of world.sessions.values()) for (const at of peers) known.add(at)
        const there = new Set([...known].map((at) => world.edgeAt[at]).filter((edge) => edge >= 0))
        for (const edge of there) expect(linked).toContain(edge)
        for (const ip of world.dialling.values()) expect(world.edgeAt[IPS.indexOf(ip)]).toBe(-1)
      }),
      { numRuns: 500 },
    )
  })
})
