import { Worker } from 'node:worker_threads'

/** A case takes milliseconds; one that waits for something gives up by itself before this. */
const STUCK_MS = 60_000

/** The other thread: it can say something while this one is in a loop without end. */
const WATCH = `
const { workerData: { progress, stuckMs } } = require('node:worker_threads')
const { writeSync } = require('node:fs')
let last = -1
setInterval(() => {
  const seed = Atomics.load(progress, 0)
  if (seed === last) {
    writeSync(2, 'STUCK: seed ' + (seed >>> 0) + ' does not come to an end\\n')
    process.kill(process.pid, 'SIGKILL')
  }
  last = seed
}, stuckMs)
`

/** Ends the process, with the seed on stderr, when one case goes on for ever. */
export class Watchdog {
  readonly #progress = new Int32Array(new SharedArrayBuffer(4))
  readonly #worker: Worker

  constructor(stuckMs = STUCK_MS) {
    this.#worker = new Worker(WATCH, { eval: true, workerData: { progress: this.#progress, stuckMs } })
    this.#worker.unref()
  }

  /** A case begins. */
  sees(seed: number): void {
    Atomics.store(this.#progress, 0, seed | 0)
  }

  close(): Promise<number> {
    return this.#worker.terminate()
  }
}
