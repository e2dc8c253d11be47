import { vi } from 'vitest'

/** No longer than what liveness of tunnels takes for silence, whose answers come by real sockets. */
const STEP_MS = 250
/** Enough for what is under way on loopback to get through edge and linker. */
const TURNS = 8

/** From now on time passes only in {@link pass}; sockets are real. Undone by vi.useRealTimers(). */
export function stopTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
}

/** Lets time pass, and sockets do meanwhile what they can. */
export async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= STEP_MS) {
    await vi.advanceTimersByTimeAsync(Math.min(STEP_MS, left))
    await turns()
  }
}

/** Lets sockets do what they can while time stands still. */
export async function turns(count = TURNS): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
