import { configSchema } from '../config/schema.ts'
import { EXIT } from '../exit-code.ts'

/** Prints the JSON schema of the configuration file. @returns the exit code. */
export async function runSchema(): Promise<number> {
  process.stdout.write(`${JSON.stringify(configSchema(), null, 2)}\n`)
  return EXIT.CLEAN
}
