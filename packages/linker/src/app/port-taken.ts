// What languages and servers say about EADDRINUSE: Node and Bun (EADDRINUSE), strerror in C, Python, Ruby, Go, Rust,
// Java and PHP (`Address already in use`), musl (`Address in use`), uvicorn, Flask, Rails and Vite (`port N is
// already in use`, `in use by another program`).
const SAYS_TAKEN = /EADDRINUSE|address (already )?in use|already (in use|being used)|in use by another/i

/**
 * Whether the last output of an application that exited early says that its port was taken.
 *
 * The caller who sees this, or `!(await isPortFree(port))` (port.ts), after an exit within the start tries once more
 * with another port: between the linker's test and the application's bind another process may have come.
 *
 * @param tail what {@link AppProcess.tail} returned
 */
export function saysPortTaken(tail: string): boolean {
  return SAYS_TAKEN.test(tail)
}
