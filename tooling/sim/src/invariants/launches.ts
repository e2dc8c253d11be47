import type { Invariant } from './invariant.ts'

/** For so long a call may be out, a tunnel silent, and a replica that hangs stand for the launches. */
const REACH_MS = 60_000
const REASON = /^(platform|pause|partition|kill|vanish|stop edge|tunnel silent)/

/**
 * DESIGN 7: a launch for which no linker comes has failed, and pauses the next one. So none may wait for somebody who is here
 * already under another name, or whom nobody was asked for.
 */
export const launches: Invariant = {
  name: 'a launch waits in vain only if something is wrong with the platform, or the way from there',
  watch({ onEdgeEvent, onTarget, chronicle, platform, world }, violated) {
    const askedMs = new Map<string, number>()
    /** By app: when somebody was to be removed, which takes its time, and the place of one that goes may be what is waited for. */
    const removedMs = new Map<string, number>()
    onTarget.push((route, { remove }) => {
      if (remove.length > 0) removedMs.set(route, world.nowMs)
    })
    onEdgeEvent.push((_edge, event) => {
      if (event.type === 'launching') askedMs.set(event.launch, world.nowMs)
      if (event.type !== 'launch-failed' || !event.problem.message.startsWith('no linker')) return
      const sinceMs = askedMs.get(event.launch) ?? 0
      if ((removedMs.get(event.app) ?? 0) >= sinceMs) return
      const fromMs = sinceMs - REACH_MS
      const isExplained = chronicle.causes.some(({ atMs, what }) => atMs >= fromMs && REASON.test(what))
      if (!isExplained && !platform.wasSlowWithin(REACH_MS))
        violated(`${event.instance} fails, for ${event.problem.message}`)
    })
  },
}
