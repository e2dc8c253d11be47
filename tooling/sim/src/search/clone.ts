/** A copy of objects as they are, with their classes; functions are shared, and must keep nothing of their own. */
export function clone<T>(value: T, copies = new Map<object, object>()): T {
  if (typeof value !== 'object' || value === null) return value
  const known = copies.get(value)
  if (known !== undefined) return known as T
  if (value instanceof Map) {
    const map = new Map()
    copies.set(value, map)
    for (const [key, item] of value) map.set(clone(key, copies), clone(item, copies))
    return map as T
  }
  if (Array.isArray(value)) {
    const array: unknown[] = []
    copies.set(value, array)
    for (const item of value) array.push(clone(item, copies))
    return array as T
  }
  const object = Object.create(Object.getPrototypeOf(value))
  copies.set(value, object)
  for (const key of Object.keys(value)) object[key] = clone((value as Record<string, unknown>)[key], copies)
  return object
}
