import { fileURLToPath } from 'node:url'

const APP = fileURLToPath(new URL('app.mjs', import.meta.url))

/** The command of the test application in a mode; its settings go as arguments. */
export function nodeApp(mode: string, settings: Readonly<Record<string, string | number>> = {}): string[] {
  return [process.execPath, APP, mode, ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)]
}
