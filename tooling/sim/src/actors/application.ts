import type { Chronicle } from '../chronicle.ts'
import { SimProcess } from '../machine/process.ts'
import type { World } from '../machine/world.ts'
import { Server } from '../node/server.ts'
import type { SimSocket } from '../node/socket.ts'
import type { AppPlan, RequestPlan } from '../scenario/scenario.ts'
import { Conversation } from './conversation.ts'

export const APPLICATION_PORT = 3000
/** SIGTERM, and it is gone so soon, unless it ignores it. */
const TERM_MS = 20

/** How an application process ended. */
export interface ApplicationEnd {
  readonly code: number | null
  readonly signal: string | null
}

/** What is needed to be an application. */
export interface ApplicationEnvironment {
  readonly world: World
  readonly chronicle: Chronicle
  readonly plan: AppPlan
  /** What is asked of it, by the number in the path. */
  readonly requests: ReadonlyMap<number, RequestPlan>
  /** From its start to listening; Infinity: never; negative: it ends after so long instead. */
  readonly startMs: number
}

/** One application process: some threads behind one port, and the manners that its plan gives it. */
export class Application {
  readonly process: SimProcess
  readonly plan: AppPlan
  readonly world: World
  readonly chronicle: Chronicle
  readonly requests: ReadonlyMap<number, RequestPlan>
  /** Connections of the linker, oldest first. */
  readonly conversations = new Set<Conversation>()
  isListening = false
  end: ApplicationEnd | null = null
  /** Told once, when it has ended. */
  onEnd: (end: ApplicationEnd) => void = () => {}
  #server: Server | null = null
  #hasListened = false

  constructor(name: string, host: string, env: ApplicationEnvironment) {
    this.world = env.world
    this.plan = env.plan
    this.chronicle = env.chronicle
    this.requests = env.requests
    this.process = new SimProcess(name, host)
    this.process.onGone.push(() => this.#ended(this.end ?? { code: null, signal: 'SIGKILL' }))
    const { world, process } = this
    if (env.startMs < 0)
      world.after(-env.startMs, process, 'start fails', () => this.exit({ code: 1, signal: null }))
    else if (env.startMs < Number.POSITIVE_INFINITY)
      world.after(env.startMs, process, 'listen', () => this.#listen())
  }

  /** Requests that it has begun and whose connection the linker still has. It must never have more than slots. */
  get admitted(): number {
    let count = 0
    for (const conversation of this.conversations) if (conversation.isAdmitted) count++
    return count
  }

  terminate(): void {
    if (this.plan.ignoresTerm) return
    this.world.after(TERM_MS, this.process, 'SIGTERM', () => this.exit({ code: 0, signal: null }))
  }

  kill(): void {
    if (this.process.isAlive) this.world.kill(this.process)
  }

  exit(end: ApplicationEnd): void {
    this.end ??= end
    this.world.kill(this.process)
  }

  #listen(): void {
    const server = new Server({ allowHalfOpen: true })
    this.#server = server
    this.#hasListened = true
    server.on('connection', (socket: SimSocket) => {
      this.conversations.add(new Conversation(this, socket))
      this.schedule()
    })
    server.listen({ port: APPLICATION_PORT }, () => {
      this.isListening = this.#server === server
    })
  }

  /** It accepts no more connections; those that it has go on. */
  stopListening(): void {
    this.isListening = false
    this.#server?.close()
    this.#server = null
  }

  listenAgain(): void {
    this.world.after(0, this.process, 'listen', () => {
      if (this.#hasListened && this.#server === null) this.#listen()
    })
  }

  /** As many connections as there are threads are served; the others wait. */
  schedule(): void {
    let free = this.plan.threads
    for (const conversation of this.conversations) {
      if (free-- <= 0) return
      conversation.begin()
    }
  }

  #ended(end: ApplicationEnd): void {
    this.end = end
    this.isListening = false
    this.onEnd(end)
  }
}
