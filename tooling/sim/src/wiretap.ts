import { FRAME, FrameDecoder, frameRule, REFUSE, RESET, refuseName, resetName } from '@brxy/protocol'
import type { Chronicle } from './chronicle.ts'
import type { World } from './machine/world.ts'
import type { Connection } from './network/network.ts'
import type { Pipe } from './network/pipe.ts'

/** What is said so often that it is counted, and no line of its own. */
const SMALL_TALK: ReadonlySet<number> = new Set([FRAME.PING, FRAME.PONG, FRAME.WINDOW])

/** A RECLAIM may cross the OPENs that spend what it asks for, and a DRAIN; not again and again. */
const MAX_IN_VAIN = 4

/**
 * Listens to a tunnel: counts the frames that are sent, writes them down for people, and holds both sides to what can be
 * told from outside: no request is opened without a grant, nor in a session that another one has replaced; a RECLAIM is
 * answered before the next one and asks for no more than the linker can think is there.
 */
export function tap(connection: Connection, world: World, chronicle: Chronicle): void {
  const { near, far, number } = connection
  const linker = near.process.name
  const edge = far.process.name
  let grants = 0
  /** Grants of which the linker cannot know that they were spent: left at its last answer to a RECLAIM, or lent since. */
  let lent = 0
  let isReclaiming = false
  let inVain = 0
  let isDraining = false

  const onLinkerFrame = (type: number, payload: Buffer): string => {
    switch (type) {
      case FRAME.GRANT:
        grants += payload.readUInt32BE(0)
        lent += payload.readUInt32BE(0)
        inVain = 0
        return ` ${payload.readUInt32BE(0)}`
      case FRAME.RECLAIM:
        // The RETURN that goes with a DRAIN looks like an answer.
        if (isReclaiming && !isDraining)
          chronicle.violated('one RECLAIM', `${linker} asks twice on tunnel ${number}`)
        // Frames keep their order: with the answer to a RECLAIM the linker has every OPEN that was sent before it.
        if (payload.readUInt32BE(0) > lent)
          chronicle.violated(
            'spent grants',
            `${linker} asks for ${payload.readUInt32BE(0)} back on tunnel ${number}, and knows that ${lent} are there`,
          )
        isReclaiming = true
        return ` ${payload.readUInt32BE(0)}`
      case FRAME.REFUSE: {
        const reason = payload.readUInt16BE(0)
        chronicle.count(`refused: ${refuseName(reason)}`)
        if (reason === REFUSE.NO_SLOT) chronicle.caused('refused: no slot', world.nowMs)
        return ` ${refuseName(reason)}`
      }
      case FRAME.REPLACE:
        // That of another edge may be on its way.
        chronicle.mayGo.get(linker)?.delete(number)
        return ''
      case FRAME.STATUS: {
        const { phase } = JSON.parse(payload.toString())
        entered(phase)
        return ` ${phase}`
      }
      case FRAME.HELLO: {
        const { phase, replaces } = JSON.parse(payload.toString())
        if (replaces !== undefined) chronicle.count('session replaced')
        entered(phase)
        return ` ${phase}`
      }
      default:
        return common(type, payload)
    }
  }
  const onEdgeFrame = (type: number, payload: Buffer): string => {
    switch (type) {
      case FRAME.WELCOME:
        welcomed()
        return ''
      case FRAME.OPEN:
        if (--grants < 0)
          chronicle.violated('spent grants', `${edge} opens more than was lent on tunnel ${number}`)
        if (isReplaced())
          chronicle.violated(
            'one session',
            `${edge} opens on tunnel ${number}, after it welcomed ${linker} on another`,
          )
        return ''
      case FRAME.RETURN: {
        // What an edge that drains gives back is no answer, and the linker may ask before it comes.
        const isAnswer = isReclaiming && !isDraining
        isReclaiming = false
        inVain = payload.readUInt32BE(0) > 0 ? 0 : inVain + 1
        if (inVain > MAX_IN_VAIN)
          chronicle.violated(
            'spent grants',
            `${linker} asks again and again for what was spent on tunnel ${number}`,
          )
        grants -= payload.readUInt32BE(0)
        if (grants < 0)
          chronicle.violated('spent grants', `${edge} returns more than was lent on tunnel ${number}`)
        // Nothing is lent while a RECLAIM is out: no GRANT is on its way.
        if (isAnswer) lent = grants
        return ` ${payload.readUInt32BE(0)}`
      }
      case FRAME.DRAIN:
        isDraining = true
        return ''
      case FRAME.DEMAND:
        return ` ${payload.readUInt32BE(0)}`
      case FRAME.VERDICT:
        chronicle.count(payload[0] === 1 ? 'verdict: GO' : 'verdict: STAY')
        if (payload[0] === 1) allow()
        return payload[0] === 1 ? ' GO' : ' STAY'
      default:
        return common(type, payload)
    }
  }
  const common = (type: number, payload: Buffer): string => {
    if (type === FRAME.RESET) {
      const code = payload.readUInt16BE(0)
      chronicle.count(`reset: ${resetName(code)}`)
      if (code === RESET.FLOW_CONTROL || code === RESET.INTERNAL)
        chronicle.violated('no bug', `a stream of tunnel ${number} is reset: ${resetName(code)}`)
      return ` ${resetName(code)}`
    }
    if (type === FRAME.GOAWAY || type === FRAME.REJECT) {
      const { code } = JSON.parse(payload.toString())
      chronicle.count(`${type === FRAME.GOAWAY ? 'goaway' : 'reject'}: ${code}`)
      return ` ${code}`
    }
    return ''
  }
  const entered = (phase: string) => {
    if (phase !== 'parked') return
    const edges = chronicle.parked.get(linker) ?? new Set()
    chronicle.parked.set(linker, edges.add(far.process))
  }
  const welcomed = () => {
    const welcomes = chronicle.welcomes.get(linker) ?? new Map()
    chronicle.welcomes.set(linker, welcomes.set(far.process, { tunnel: number, atMs: world.nowMs }))
  }
  /** What is written in the same moment may have been decided before. */
  const isReplaced = () => {
    const last = chronicle.welcomes.get(linker)?.get(far.process)
    return last !== undefined && last.tunnel !== number && last.atMs < world.nowMs
  }
  const allow = () => {
    const tunnels = chronicle.mayGo.get(linker) ?? new Set()
    chronicle.mayGo.set(linker, tunnels.add(number))
  }
  listen(near.pipe, 'linker', (type, stream, end, payload) => {
    const text = onLinkerFrame(type, payload)
    note(`${linker}>`, type, stream, end, text)
  })
  listen(far.pipe, 'edge', (type, stream, end, payload) => {
    const text = onEdgeFrame(type, payload)
    note(`>${linker}`, type, stream, end, text)
  })

  function note(who: string, type: number, stream: number, end: boolean, text: string): void {
    const name = frameRule(type)?.name ?? `${type}`
    chronicle.count(`frame: ${name}`)
    if (SMALL_TALK.has(type)) return
    world.note(who, () => `${name}${stream === 0 ? '' : ` ${stream}`}${text}${end ? ' END' : ''}`)
  }
}

type OnFrame = (type: number, stream: number, end: boolean, payload: Buffer) => void

const HEAD_END = '\r\n\r\n'
const NOTHING = Buffer.alloc(0)

/** Behind the head of the upgrade come frames; an answer that is no upgrade is none of ours. */
function listen(pipe: Pipe, sender: 'edge' | 'linker', onFrame: OnFrame): void {
  const decoder = new FrameDecoder(sender)
  const sink = {
    onFrame: (type: number, end: boolean, stream: number, buffer: Buffer, from: number, to: number) =>
      onFrame(type, stream, end, buffer.subarray(from, to)),
    onData: (stream: number, _buffer: Buffer, _from: number, _to: number, end: boolean) =>
      onFrame(FRAME.DATA, stream, end, NOTHING),
  }
  let head: Buffer | null = NOTHING
  pipe.tap = (bytes) => {
    if (head === null) return decoder.push(bytes, 0, bytes.length, sink)
    head = Buffer.concat([head, bytes])
    const end = head.indexOf(HEAD_END)
    if (end < 0) return
    const rest = head.subarray(end + HEAD_END.length)
    const isUpgrade = sender === 'linker' || head.toString('latin1', 0, 12) === 'HTTP/1.1 101'
    head = null
    if (!isUpgrade) pipe.tap = null
    else decoder.push(rest, 0, rest.length, sink)
  }
}
