import type { Random } from './random.ts'

/** Something that must hold whatever comes: cases are made by chance, and each is run on its own. */
export interface Target<Case> {
  /** Also the folder of its failures. */
  readonly name: string
  /** What chance makes. JSON can hold it, and it is all that run() needs. */
  make(random: Random): Case
  /** @throws Error that says what did not hold */
  run(fuzzed: Case): void | Promise<void>
  /** What happened, in numbers: that much was accepted, refused, and so on. A proof in which nothing happens is none. */
  readonly counts: Readonly<Record<string, number>>
  /** Ends what it has started. */
  close(): Promise<void>
}
