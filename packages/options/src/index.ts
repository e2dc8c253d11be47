// For packages that have options.

// For command lines and docs.
export { type Collected, collect, type OptionSource, type Sources } from './collect.ts'
export { type ConfigContext, readConfig, resolveConfig } from './config.ts'
export { type Environment, readEnv } from './environment.ts'
export { OptionsError, type OptionsErrorCode } from './error.ts'
export { type FlagTexts, type ParsedFlags, parseFlags } from './flags.ts'
export { helpLines } from './help.ts'
export { markdownTable } from './markdown.ts'
export { type OptionNames, optionNames } from './names.ts'
export { resolveOptions } from './resolve.ts'
export type { Options, OptionsInput, OptionsTable, OptionValue, Row } from './row.ts'
export { suggest } from './suggest.ts'
export { defineOptions } from './table.ts'
export { checkOption, formatOption, parseOption } from './value.ts'
