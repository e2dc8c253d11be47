import { beforeEach, describe, expect, it } from 'vitest'
import { EdgeSet, type EdgeSetAction } from './edge-set.ts'

const A = 'ws://10.0.0.1:9080'
const B = 'ws://10.0.0.2:9080'
const C = 'ws://10.0.0.3:9080'
const NAME = 'ws://edges.example:9080'
const PATH = '/brxy/v1/link'

/** In words. */
function said(actions: readonly EdgeSetAction[]): string[] {
  return actions.map((action) => {
    switch (action.kind) {
      case 'dial':
        return `dial ${action.address.key.replace(PATH, '')}`
      case 'notice':
        return `notice ${action.message}`
      default:
        return `${action.kind} ${action.key.replace(PATH, '')}`
    }
  })
}

let set: EdgeSet
beforeEach(() => {
  set = new EdgeSet(16)
})

const key = (text: string) => (text.includes(' ') ? text.replace(' ', `${PATH} `) : `${text}${PATH}`)
const up = (text: string, edge: string, edges: readonly string[] = [text]) => {
  set.opened(key(text))
  return said(set.up(key(text), edge, edges))
}
const down = (text: string, session = 's-1') => said(set.down(key(text), { replaces: session, received: 3 }))
const failed = (text: string) => said(set.failed(key(text)))
const rejected = (text: string, edge: string) => {
  set.opened(key(text))
  return said(set.rejected(key(text), edge))
}

describe('the addresses that a linker was given', () => {
  it('are all dialled', () => {
    expect(said(set.configure([A, B]))).toEqual([`dial ${A}`, `dial ${B}`])
  })

  it('are dialled once, however they are written', () => {
    expect(said(set.configure([A, '10.0.0.1:9080', `${A}/`, `${A}/brxy/v1/link`]))).toEqual([`dial ${A}`])
  })

  it('are as many as may be, and that is said once', () => {
    set = new EdgeSet(2)
    const actions = said(set.configure([A, B, C]))
    expect(actions.slice(1)).toEqual([`dial ${A}`, `dial ${B}`])
    expect(actions[0]).toMatch(/^notice ws:\/\/10\.0\.0\.3:9080 is not dialled: 2 addresses.*maxEdges/)
    expect(up(A, 'a', [A, C])).toEqual([])
  })

  it('stay, whether any edge names them or not', () => {
    set.configure([A, B])
    up(A, 'a')
    up(B, 'b')
    expect(down(B)).toEqual([])
    expect(failed(B)).toEqual([])
  })
})

describe('a name', () => {
  it('is looked up, and each address that it has is dialled', () => {
    expect(said(set.configure([NAME]))).toEqual([`resolve ${NAME}`])
    expect(said(set.resolved(key(NAME), ['10.1.0.1', '10.1.0.2']))).toEqual([
      `dial ${NAME} 10.1.0.1`,
      `dial ${NAME} 10.1.0.2`,
    ])
  })

  it('that stands for another address too has that dialled, and the others go on', () => {
    set.configure([NAME])
    set.resolved(key(NAME), ['10.1.0.1'])
    expect(said(set.resolved(key(NAME), ['10.1.0.2', '10.1.0.1', '10.1.0.2']))).toEqual([
      `dial ${NAME} 10.1.0.2`,
    ])
  })

  it('that no longer has an address keeps its session, and drops it when that ends', () => {
    set.configure([NAME])
    set.resolved(key(NAME), ['10.1.0.1', '10.1.0.2'])
    up(`${NAME} 10.1.0.1`, 'a', [NAME])
    expect(said(set.resolved(key(NAME), ['10.1.0.2']))).toEqual([])
    expect(down(`${NAME} 10.1.0.1`)).toEqual([`drop ${NAME} 10.1.0.1`])
  })

  it('that no longer has an address which is only dialled drops it at once', () => {
    set.configure([NAME])
    set.resolved(key(NAME), ['10.1.0.1'])
    expect(said(set.resolved(key(NAME), ['10.1.0.2']))).toEqual([
      `drop ${NAME} 10.1.0.1`,
      `dial ${NAME} 10.1.0.2`,
    ])
  })

  it('of several addresses says nothing about whose each of them is', () => {
    set.configure([NAME])
    set.resolved(key(NAME), ['10.1.0.1', '10.1.0.2'])
    expect(up(`${NAME} 10.1.0.1`, 'a', [NAME])).toEqual([])
    // The second one is dialled still, and is another edge.
    expect(up(`${NAME} 10.1.0.2`, 'b', [NAME])).toEqual([])
  })

  it.each(['localhost:9080', 'a.localhost:9080', '[::1]:9080', '127.0.0.1:9080'])(
    'is none in %s, which is dialled without looking',
    (text) => {
      expect(set.configure([text])).toMatchObject([{ kind: 'dial', address: { ip: null, nameKey: null } }])
    },
  )
})

describe('what an edge names in WELCOME', () => {
  beforeEach(() => {
    set.configure([A])
  })

  it('is dialled', () => {
    expect(up(A, 'a', [A, B, C])).toEqual([`dial ${B}`, `dial ${C}`])
  })

  it('is looked up if it is a name', () => {
    expect(up(A, 'a', [A, NAME])).toEqual([`resolve ${NAME}`])
  })

  it('as its own address rests: it is where the linker is already', () => {
    expect(up(A, 'a', [B])).toEqual([])
    expect(set.isResting(key(B))).toBe(true)
  })

  it('is dropped when no edge names it any more and it has no session', () => {
    up(A, 'a', [A, B])
    down(A)
    expect(up(A, 'a2', [A])).toEqual([`drop ${B}`])
  })

  it('and has a session is dropped when that ends', () => {
    up(A, 'a', [A, B])
    up(B, 'b')
    down(A)
    expect(up(A, 'a2', [A])).toEqual([])
    expect(down(B)).toEqual([`drop ${B}`])
  })

  it('stays while there is no session at all, for nobody can say what is still there', () => {
    up(A, 'a', [A, B])
    expect(failed(B)).toEqual([])
    expect(down(A)).toEqual([])
    expect(failed(A)).toEqual([])
  })

  it('of a machine elsewhere is not dialled if it is a loopback address', () => {
    expect(up(A, 'a', ['ws://127.0.0.1:9080', 'ws://localhost:9080', B])).toEqual([`dial ${B}`])
  })

  it('without TLS is not dialled where the edge was reached with it', () => {
    set = new EdgeSet(16)
    set.configure(['wss://10.0.0.1:9080'])
    expect(up('wss://10.0.0.1:9080', 'a', ['wss://10.0.0.1:9080', B])[0]).toMatch(/^notice .* does not$/)
  })

  it('and is no address is left out, and that is said once', () => {
    expect(up(A, 'a', [A, 'http://x'])).toHaveLength(1)
    down(A)
    expect(up(A, 'a', [A, 'http://x'])).toEqual([])
  })
})

describe('two addresses of one edge', () => {
  beforeEach(() => {
    set.configure([A, B])
  })

  it('have one session: the second rests', () => {
    up(A, 'a')
    expect(rejected(B, 'a')).toEqual([`rest ${B}`])
  })

  it('have one session, whichever answer comes first', () => {
    set.opened(key(A))
    expect(rejected(B, 'a')).toEqual([])
    expect(said(set.up(key(A), 'a', [A]))).toEqual([`rest ${B}`])
  })

  it('have the second dialled when a dial of the first fails, and not before', () => {
    up(A, 'a')
    rejected(B, 'a')
    expect(down(A)).toEqual([])
    expect(failed(A)).toEqual([`dial ${B}`])
    // With the session that the first one had.
    expect(set.continues(key(B))).toEqual({ replaces: 's-1', received: 3 })
    expect(up(B, 'a')).toEqual([`rest ${A}`])
  })

  it('have the second dialled when the first leads to another edge by now', () => {
    up(A, 'a')
    rejected(B, 'a')
    down(A)
    expect(up(A, 'c')).toEqual([`dial ${B}`])
  })

  it('have the second dialled when the first is gone', () => {
    set = new EdgeSet(16)
    set.configure([NAME, B])
    set.resolved(key(NAME), ['10.1.0.1'])
    up(`${NAME} 10.1.0.1`, 'a', [NAME])
    rejected(B, 'a')
    set.resolved(key(NAME), ['10.1.0.2'])
    expect(down(`${NAME} 10.1.0.1`)).toEqual([`drop ${NAME} 10.1.0.1`, `dial ${B}`])
  })
})

describe('a HELLO', () => {
  beforeEach(() => {
    set.configure([A])
  })

  it('continues nothing at first', () => {
    expect(set.continues(key(A))).toBeNull()
  })

  it('continues the last session that was up, whatever failed in between', () => {
    up(A, 'a')
    down(A, 's-7')
    failed(A)
    expect(set.continues(key(A))).toEqual({ replaces: 's-7', received: 3 })
  })

  it('claims whatever session an edge has that this linker knows nothing of', () => {
    rejected(A, 'a')
    expect(set.continues(key(A))).toEqual({ replaces: 'a' })
  })

  it('claims nothing while another address may be about to hear WELCOME', () => {
    set = new EdgeSet(16)
    set.configure([A, B])
    set.opened(key(B))
    rejected(A, 'a')
    expect(set.continues(key(A))).toBeNull()
  })
})
