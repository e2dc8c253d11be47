import { joinPath, type Keys, OptionsError } from '@brxy/options'

/** A part of an Engine body as a user wrote it: any JSON. */
export type Json = Readonly<Record<string, unknown>>

/** Where a body stands in the configuration, for errors. */
export class Place {
  readonly #path: string
  readonly #keys: Keys

  constructor(path: string, keys: Keys = []) {
    this.#path = path
    this.#keys = keys
  }

  below(...names: string[]): Place {
    return new Place(names.reduce(joinPath, this.#path), [...this.#keys, ...names])
  }

  error(detail: string): OptionsError {
    return new OptionsError('options/invalid', this.#path, detail, { keys: this.#keys })
  }
}

/** The mapping under a name; empty if it is absent. @throws OptionsError if it is anything else */
export function mappingAt(body: Json, name: string, place: Place): Json {
  const value = body[name]
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw place.below(name).error('must be a mapping')
  return value as Json
}

/** The image, which a user may have spelt as in a compose file. @throws OptionsError */
export function imageAt(body: Json, place: Place): string {
  const { Image: image } = body
  if (typeof image === 'string' && image.trim() !== '') return image
  const hint = 'image' in body ? '; the names are those of the Engine API: Image, not image' : ''
  throw place
    .below('Image')
    .error(image === undefined ? `is required${hint}` : 'must be the name of an image')
}

/** A list of texts; empty if it is absent. @throws OptionsError */
export function textsAt(body: Json, name: string, place: Place): readonly string[] {
  const value = body[name] ?? []
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value
  throw place.below(name).error(`must be a list of strings${name === 'Env' ? ': [NAME=VALUE]' : ''}`)
}

/** Names and texts; empty if it is absent. @throws OptionsError */
export function labelsAt(body: Json, place: Place): Readonly<Record<string, string>> {
  const labels = mappingAt(body, 'Labels', place)
  for (const [name, value] of Object.entries(labels))
    if (typeof value !== 'string') throw place.below('Labels', name).error('must be a string; quote it')
  return labels as Readonly<Record<string, string>>
}

/** The environment of a launch goes before what the body says. */
export function environment(own: readonly string[], launch: Readonly<Record<string, string>>): string[] {
  // Of two entries with one name a process finds the first, so the body's own is left out.
  const kept = own.filter((entry) => !Object.hasOwn(launch, entry.split('=', 1)[0] ?? ''))
  return [...kept, ...Object.entries(launch).map(([name, value]) => `${name}=${value}`)]
}
