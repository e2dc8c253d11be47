import {
  type AppEnd,
  LINKER_OPTIONS,
  type Application as LinkedApplication,
  Linker,
  type LinkerEvent,
} from '@brxy/linker'
import { resolveOptions } from '@brxy/options'
import type { Chronicle } from '../chronicle.ts'
import { SimProcess } from '../machine/process.ts'
import type { World } from '../machine/world.ts'
import type { AppPlan } from '../scenario/scenario.ts'
import { APPLICATION_PORT, type Application } from './application.ts'

/** The guard ends an application whose linker is gone within this time. */
const GUARD_MS = 2_000
/** How often a linker looks whether its application listens. */
const PROBE_MS = 50

/** What the environment of a linker's process says. */
export interface InstanceEnvironment {
  readonly world: World
  readonly chronicle: Chronicle
  readonly plan: AppPlan
  readonly edges: readonly string[]
  readonly token: string
  /** null: started by hand. */
  readonly launch: string | null
  /** The platform's name for it, where that is all there is; null: none. */
  readonly replica: string | null
  /** How fast its clock runs. */
  readonly rate: number
  readonly application: Application
  /** Another process of it, for an instance that was parked and is recalled. */
  readonly startAgain: () => Application
  readonly onEvent: (event: LinkerEvent) => void
}

/** One running copy of an app: a real linker in a process, and beside it the application that it has started. */
export class Instance {
  readonly name: string
  readonly plan: AppPlan
  readonly launch: string | null
  readonly replica: string | null
  readonly process: SimProcess
  /** Its process, or the last one. */
  application: Application
  readonly #env: InstanceEnvironment
  #linker: Linker | null = null
  /** The linker's own exit; null while it runs, and if it was killed. */
  exitCode: number | null = null
  #signals = 0
  /** Somebody wanted it replaced, once. */
  isToBeReplaced = false
  #stoppedIdle = false
  #sessions = 0
  #isServing = false
  /** Its successor serves: what runs has the time of a drain. */
  #isReplaced = false

  constructor(name: string, env: InstanceEnvironment) {
    this.name = name
    this.plan = env.plan
    this.launch = env.launch
    this.replica = env.replica
    this.#env = env
    this.application = env.application
    this.process = new SimProcess(name, env.application.process.host, env.rate)
    const { world } = env
    this.process.onGone.push(() => {
      if (this.exitCode === null)
        world.after(world.randomOf('guards').next() * GUARD_MS, null, 'guard', () => this.application.kill())
      else this.application.kill()
    })
    world.after(0, this.process, 'linker', () => this.#start())
  }

  /** It stopped by itself and exited in good order. */
  get hasLeftIdle(): boolean {
    return this.#stoppedIdle && this.exitCode === 0
  }

  /** SIGTERM; a second one is the end. */
  terminate(): void {
    this.#env.world.after(0, this.process, 'SIGTERM', () => {
      if (++this.#signals === 1) this.#linker?.drain()
      else this.#linker?.kill(15)
    })
  }

  /** SIGHUP: a successor, please. */
  hangUp(): void {
    this.#env.world.after(0, this.process, 'SIGHUP', () => {
      this.isToBeReplaced = true
      this.#linker?.replace()
    })
  }

  /** The application says how many requests it wants. */
  putSlots(slots: number): void {
    this.#env.world.after(0, this.process, 'PUT /slots', () => this.#linker?.setSlots(slots))
  }

  get isConnected(): boolean {
    return this.#sessions > 0
  }

  /** It has a session and is to lend its slots: neither does it leave, nor did its application turn a request away. */
  get isServing(): boolean {
    return this.isConnected && this.#isServing
  }

  /** What the linker makes of it; null before it is there. */
  get slotState(): Linker['slotState'] | null {
    return this.#linker?.slotState ?? null
  }

  #start(): void {
    const { plan, edges, token, launch, replica, world, onEvent } = this.#env
    const linker = new Linker({
      options: resolveOptions(LINKER_OPTIONS, {
        edges: [...edges],
        concurrency: plan.slots,
        startTimeoutMs: plan.startTimeoutMs,
        idleMs: plan.idleMs,
        drainMs: plan.drainMs,
        lostMs: plan.lostMs,
        abortLingerMs: plan.abortLingerMs,
      }),
      route: plan.name,
      application: this.#linked(),
      token: () => token,
      ...(launch === null ? {} : { launch }),
      ...(replica === null ? {} : { platform: replica }),
      onEvent: (event) => {
        this.#hear(event)
        onEvent(event)
      },
    })
    this.#linker = linker
    linker.start()
    void linker.done.then((code) => {
      this.exitCode = code
      world.note(this.name, () => `exits with ${code}`)
      world.kill(this.process)
    })
  }

  #hear(event: LinkerEvent): void {
    if (event.type === 'connected') this.#sessions++
    else if (event.type === 'disconnected') this.#sessions--
    else if (event.type === 'listening') this.#isServing = true
    else if (event.type === 'unreachable') this.#isServing = false
    if (event.type !== 'phase' || event.phase === 'replacing') return
    this.#isServing = event.phase === 'ready'
    if (event.phase === 'draining' && event.reason === 'replaced') this.#isReplaced = true
  }

  #linked(): LinkedProcess {
    return new LinkedProcess(
      this.application,
      () => this.#isIdleStop(),
      () => {
        this.application = this.#env.startAgain()
        this.#stoppedIdle = false
        return this.#linked()
      },
    )
  }

  /** The linker stops its application: not while it works, unless it was told to by more than idleness. */
  #isIdleStop(): void {
    const { chronicle } = this.#env
    if (this.#signals > 0 || this.#isReplaced) return
    this.#stoppedIdle = true
    if (this.application.admitted > 0)
      chronicle.violated(
        'no idle stop',
        `${this.name} stops its application, which works on ${this.application.admitted}`,
      )
    else chronicle.count('linker: stops when idle')
  }
}

/** An application process as its linker sees it. */
class LinkedProcess implements LinkedApplication {
  readonly exited: Promise<AppEnd>
  readonly #application: Application
  readonly #onStop: () => void
  readonly #startAgain: () => LinkedProcess
  #gone: () => void = () => {}
  readonly #isGone: Promise<void>

  constructor(application: Application, onStop: () => void, startAgain: () => LinkedProcess) {
    this.#application = application
    this.#onStop = onStop
    this.#startAgain = startAgain
    this.#isGone = new Promise((resolve) => {
      this.#gone = resolve
    })
    const { world } = application
    const linker = world.current
    this.exited = new Promise((resolve) => {
      const tell = (end: AppEnd) =>
        world.after(1, linker, 'SIGCHLD', () => {
          resolve(end)
          this.#gone()
        })
      if (application.end !== null) tell(application.end)
      else application.onEnd = tell
    })
  }

  waitUntilListening(signal: AbortSignal): Promise<{ host: string; port: number; tookMs: number }> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (signal.aborted) reject(signal.reason)
        else if (this.#application.isListening)
          resolve({ host: this.#application.process.host, port: APPLICATION_PORT, tookMs: 0 })
        else setTimeout(look, PROBE_MS)
      }
      look()
    })
  }

  isFailing(): boolean {
    const { end } = this.#application
    return end !== null && (end.signal !== null || end.code !== 0)
  }

  async stop(killAfterMs: number): Promise<void> {
    if (this.#application.end === null) {
      this.#onStop()
      this.#application.terminate()
      setTimeout(() => this.#application.kill(), killAfterMs)
    }
    await this.#isGone
  }

  again(): Promise<LinkedApplication> {
    return Promise.resolve(this.#startAgain())
  }

  tail(): string {
    return 'the last line that the application wrote'
  }
}
