/**
 * What stands for each server name (SNI, RFC 6066 3): the exact name first, then the wildcard, then the first of all. A
 * `*` is one label (RFC 9525 6.3): `*.example.com` is `a.example.com`, neither `example.com` nor `a.b.example.com`.
 */
export class ServerNames<T> {
  readonly #first: T
  readonly #byName = new Map<string, T>()

  /** @param entries at least one; of two with the same name the earlier one has it. Names are in lower case. */
  constructor(entries: readonly { readonly names: readonly string[]; readonly value: T }[]) {
    this.#first = entries[0].value
    for (const { names, value } of entries)
      for (const name of names) if (!this.#byName.has(name)) this.#byName.set(name, value)
  }

  /** @param name as the client sent it; '' if it did not */
  find(name: string): T {
    const key = name.toLowerCase()
    const [label] = key.split('.', 1)
    return this.#byName.get(key) ?? this.#byName.get(`*${key.slice(label.length)}`) ?? this.#first
  }
}
