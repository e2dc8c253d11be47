import { optionNames } from './names.ts'
import type { OptionsTable } from './row.ts'
import { checkOption } from './value.ts'

/**
 * Declares a package's options. Returns the table itself, with its literal types, so that `Options<typeof TABLE>` knows
 * each value's type.
 *
 * @throws Error when the table contradicts itself (two rows with one flag, a default outside its own bounds): a bug of
 * the package, found when it is loaded.
 */
export function defineOptions<const T extends OptionsTable>(table: T): T {
  const owners = new Map<string, string>()
  const claim = (word: string, name: string) => {
    const other = owners.get(word)
    if (other !== undefined) throw new Error(`options ${other} and ${name} both claim ${word}`)
    owners.set(word, name)
  }
  for (const [name, row] of Object.entries(table)) {
    const names = optionNames(name, row)
    claim(`key ${names.key}`, name)
    claim(names.env, name)
    if (row.kind === 'secret') claim(`${names.env}_FILE`, name)
    if (names.flag !== undefined) claim(`--${names.flag}`, name)
    if (names.flag !== undefined && row.kind === 'boolean') claim(`--no-${names.flag}`, name)
    if (row.alias !== undefined) claimAlias(name, row.alias, names.flag, claim)
    if (row.default !== undefined) checkOption(`default of ${name}`, row, row.default)
  }
  return table
}

function claimAlias(
  name: string,
  alias: string,
  flag: string | undefined,
  claim: (word: string, name: string) => void,
): void {
  if (!/^[A-Za-z]$/.test(alias)) throw new Error(`option ${name}: alias "${alias}" must be one letter`)
  if (flag === undefined) throw new Error(`option ${name}: an alias needs flag: true`)
  claim(`-${alias}`, name)
}
