import { writeFileSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { defineOptions, OptionsError } from '@brxy/options'
import { initialConfig } from '../config/initial.ts'
import { EXIT } from '../exit-code.ts'

export const INIT_FLAGS = defineOptions({
  force: { kind: 'boolean', flag: true, default: false, doc: 'Replace a file that exists.' },
})

const DEFAULT_FILE = 'brxy.yaml'

/** Writes a commented configuration file to start from. @returns the exit code. */
export async function runInit(argv: Readonly<Record<string, unknown>>): Promise<number> {
  const file = typeof argv.file === 'string' ? argv.file : DEFAULT_FILE
  if (!['.yaml', '.yml'].includes(extname(file))) {
    throw new OptionsError(
      'options/invalid',
      'file',
      `"${basename(file)}" should end in .yaml; a command goes after --`,
    )
  }
  const command = (argv['--'] as string[] | undefined) ?? []
  try {
    writeFileSync(file, initialConfig(command, file), { flag: argv.force === true ? 'w' : 'wx' })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'exists already; --force replaces it' : `cannot be written (${code})`
    throw new OptionsError('options/invalid', file, why, { cause: error })
  }
  process.stdout.write(
    `Wrote ${file}. Next:\n  brxy check ${file}\n  brxy edge -f ${file}\n  curl localhost:8080\n`,
  )
  return EXIT.CLEAN
}
