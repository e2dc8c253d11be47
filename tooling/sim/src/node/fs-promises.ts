// What `node:fs/promises` is inside a simulation: what is asked of it there is directories, and they are there.
export * from 'node:fs/promises'

export async function mkdir(): Promise<undefined> {
  return undefined
}
