import { type OptionsInput, resolveOptions } from '@brxy/options'
import { afterEach } from 'vitest'
import { until } from './app/processes.testkit.ts'
import type { Application } from './application.ts'
import { AttachedApplication } from './attached-application.ts'
import type { LinkerEvent } from './event.ts'
import { RawApp, type RawConnection } from './forward/raw-app.testkit.ts'
import { Linker } from './linker.ts'
import { LINKER_OPTIONS } from './options.ts'
import { TestEdge, type TestEdgeOptions, type TestSession } from './tunnel/edge.testkit.ts'
import type { Lookup } from './tunnel/edge-name.ts'

export interface LinkOptions {
  readonly options?: OptionsInput<typeof LINKER_OPTIONS>
  readonly token?: () => string
  readonly application?: Application
  readonly lookup?: Lookup
}

/** A linker in this process, with what it said. */
export class LinkerUnderTest {
  readonly linker: Linker
  readonly events: LinkerEvent[] = []
  exitCode: number | null = null

  constructor(
    edges: readonly string[],
    port: number,
    { options, token, application, lookup }: LinkOptions = {},
  ) {
    this.linker = new Linker({
      options: resolveOptions(LINKER_OPTIONS, { edges: [...edges], ...options }),
      route: 'shop.example',
      application: application ?? new AttachedApplication(`127.0.0.1:${port}`, undefined),
      token: token ?? (() => 'configured'),
      ...(lookup === undefined ? {} : { lookup }),
      onEvent: (event) => void this.events.push(event),
    })
    void this.linker.done.then((code) => {
      this.exitCode = code
    })
    this.linker.start()
  }

  of<T extends LinkerEvent['type']>(type: T): Extract<LinkerEvent, { type: T }>[] {
    return this.events.filter((event) => event.type === type) as Extract<LinkerEvent, { type: T }>[]
  }

  async exits(): Promise<number> {
    await until('the linker exits', () => this.exitCode !== null)
    return this.exitCode as number
  }

  async close(): Promise<void> {
    this.linker.drain()
    this.linker.kill(15)
    await this.linker.done
  }
}

/** An application that a test runs. */
interface TestApp {
  readonly port: number
  /** What went wrong in it. */
  readonly errors: readonly unknown[]
  close(): Promise<void>
}

/** An edge, a linker and an application, joined by real sockets; the session has its grants. */
export interface Linked<A extends TestApp = RawApp> {
  readonly edge: TestEdge
  readonly session: TestSession
  readonly link: LinkerUnderTest
  readonly app: A
  /** What the linker said of the application, for the operator. */
  badResponses(): string[]
  /** Waits until every slot is lent again. */
  idle(): Promise<void>
  close(): Promise<void>
}

/** Links an application that was started; close() ends all three and fails if there was a bug of ours. */
export async function linked<A extends TestApp = RawApp>(
  app: A,
  options: OptionsInput<typeof LINKER_OPTIONS> = {},
  edgeOptions: TestEdgeOptions = {},
): Promise<Linked<A>> {
  const edge = await TestEdge.start(edgeOptions)
  const link = new LinkerUnderTest([edge.address], app.port, { options })
  const slots = options.concurrency ?? 1
  const session = await edge.granted(slots)
  return {
    edge,
    session,
    link,
    app,
    badResponses: () => link.of('bad-response').map(({ message }) => message),
    idle: () => until('every slot is lent again', () => session.session.unspent === slots),
    async close() {
      await link.close()
      await edge.close()
      await app.close()
      const bugs = [...edge.bugs, ...link.of('bug').map(({ error }) => error), ...app.errors]
      if (bugs.length > 0) throw bugs[0]
    },
  }
}

/** An application that does this with each connection, linked. */
export async function serving(
  serve: (connection: RawConnection) => Promise<void>,
  options: OptionsInput<typeof LINKER_OPTIONS> = {},
  edgeOptions: TestEdgeOptions = {},
): Promise<Linked> {
  return linked(await RawApp.start(serve), options, edgeOptions)
}

/**
 * For a test file: what is handed to the function that it returns is closed after the test, which a bug of ours fails.
 * @param afterClose what else each must be true of
 */
export function closedAfterEach<A extends TestApp = RawApp>(
  afterClose: (one: Linked<A>) => void = () => {},
): (made: Promise<Linked<A>>) => Promise<Linked<A>> {
  let all: Linked<A>[] = []
  afterEach(async () => {
    const open = all
    all = []
    for (const one of open) await one.close()
    for (const one of open) afterClose(one)
  })
  return async (made) => {
    const one = await made
    all.push(one)
    return one
  }
}
