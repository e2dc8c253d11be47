/** @throws Error with that message, if the condition does not hold */
export function demand(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

/** @throws Error that shows both, if they are not the same as JSON */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (left === right) return
  let at = 0
  while (left?.[at] === right?.[at]) at++
  const part = (text: string | undefined) => (text ?? 'undefined').slice(Math.max(0, at - 40), at + 120)
  throw new Error(`${what}: got ...${part(left)}..., expected ...${part(right)}...`)
}
