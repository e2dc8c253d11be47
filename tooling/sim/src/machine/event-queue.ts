import type { SimProcess } from './process.ts'

/** Something that happens at a time. */
export interface Task {
  readonly atMs: number
  /** Of two at the same time, the one that was planned first happens first. */
  readonly order: number
  /** Whose doing it is; null: the world's own. */
  readonly process: SimProcess | null
  readonly label: string
  readonly run: () => void
  /** What happens instead while the process is stopped or gone: the work of its kernel. Without it the task waits, or is void. */
  readonly ifStopped: (() => void) | null
  isCancelled: boolean
}

/** What is to happen, the next first: a binary heap. */
export class EventQueue {
  readonly #heap: Task[] = []

  get size(): number {
    return this.#heap.length
  }

  push(task: Task): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(task)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(task, heap[parent])) break
      heap[at] = heap[parent]
      at = parent
    }
    heap[at] = task
  }

  pop(): Task | null {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined) return null
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++
      if (!isBefore(heap[child], last)) break
      heap[at] = heap[child]
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs
}
