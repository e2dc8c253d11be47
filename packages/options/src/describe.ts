// What only command lines and docs need: a linker loads none of it.
export { diffOptions, type OptionChange } from './diff.ts'
export { jsonSchema, type SchemaAbout, sectionSchema } from './json-schema.ts'
export { type ListedOption, listOptions } from './listing.ts'
export { markdownTable } from './markdown.ts'
export { referenceSections } from './reference.ts'
