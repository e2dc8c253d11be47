import { Agent } from 'node:http'
import { ask } from '@brxy-tooling/testkit'

/** Clients that behave, beside others that do not. */
export interface LoadFigures {
  readonly answered: number
  readonly failed: readonly string[]
  /** Milliseconds that answers took: the half, all but one in a hundred, and all of them took no longer. */
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Connections that are kept, on each of which one request follows the other, so often. */
export class NormalLoad {
  readonly #agent: Agent
  readonly #port: number
  readonly #clients: Promise<void>[]
  #isStopped = false
  #took: number[] = []
  #failed: string[] = []

  /** Begins at once. @param pauseMs between an answer and the next request of a connection */
  constructor(port: number, { connections = 20, pauseMs = 50, host = 'normal.test' } = {}) {
    this.#port = port
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections })
    this.#clients = Array.from({ length: connections }, () => this.#client(host, pauseMs))
  }

  async #client(host: string, pauseMs: number): Promise<void> {
    while (!this.#isStopped) {
      try {
        const { status, tookMs } = await ask(this.#port, '/', { host, agent: this.#agent })
        if (status === 200) this.#took.push(tookMs)
        else this.#failed.push(`status ${status}`)
      } catch (error) {
        this.#failed.push(String(error))
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }

  /** The figures since the last call. */
  take(): LoadFigures {
    const took = this.#took.sort((a, b) => a - b)
    const at = (share: number) => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0
    const figures = {
      answered: took.length,
      failed: this.#failed,
      p50: at(0.5),
      p99: at(0.99),
      max: at(1),
    }
    this.#took = []
    this.#failed = []
    return figures
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#clients)
    this.#agent.destroy()
  }
}
