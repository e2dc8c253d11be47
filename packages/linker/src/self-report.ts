import { FEATURE_ADDRESSES, type Hello, type LinkerHello } from '@brxy/protocol'
import type { Ledger } from './ledger/ledger.ts'
import type { AppEnd } from './life/action.ts'
import type { Life } from './life/life.ts'
import type { LinkerConfig } from './linker-config.ts'
import type { EdgeLink } from './tunnel/edge-link.ts'

/** How an instance describes itself to its edges: HELLO and STATUS (brxy.v1). */
export class SelfReport {
  readonly #config: LinkerConfig
  readonly #instance: string
  readonly #ledger: Ledger<EdgeLink>
  readonly #life: Life<EdgeLink>

  /** @param instance 128 random bits in hex */
  constructor(config: LinkerConfig, instance: string, ledger: Ledger<EdgeLink>, life: Life<EdgeLink>) {
    this.#config = config
    this.#instance = instance
    this.#ledger = ledger
    this.#life = life
  }

  /** What HELLO says. Whether the instance leaves, or has failed, is told afterwards. */
  get phase(): Hello['phase'] {
    const { phase } = this.#life
    if (phase === 'parked') return phase
    return phase === 'starting' || phase === 'failed' ? 'starting' : 'ready'
  }

  hello(): Omit<LinkerHello, 'replaces' | 'received'> {
    const { route, launch, platform, options } = this.#config
    return {
      route,
      features: options.sendProxy === undefined ? [] : [FEATURE_ADDRESSES],
      instance: this.#instance,
      phase: this.phase,
      slots: this.#ledger.slots,
      labels: {},
      ...(launch === undefined ? {} : { launch }),
      ...(platform === undefined ? {} : { platform }),
    }
  }

  /** How it is now. */
  announce(link: EdgeLink): void {
    link.session?.status({ phase: this.phase, slots: this.#ledger.slots, busy: this.#ledger.busy })
  }

  /** Why the application failed. @param output its last */
  failed(link: EdgeLink, reason: string, end: AppEnd | null, output: string): void {
    link.session?.status({
      phase: 'failed',
      reason,
      exitCode: end?.code ?? null,
      signal: end?.signal ?? null,
      output,
      slots: this.#ledger.slots,
      busy: this.#ledger.busy,
    })
  }
}
