import { isFieldValue, isToken } from './bytes.ts'
import { badArgument } from './output.ts'

/**
 * One complete field line, `name: value` CRLF, to be made into the `extra` of a writer (`Buffer.from(line, 'latin1')`).
 * @throws Http1Error `http1/bad-argument` if the name is no token or the value no field value
 */
export function fieldLine(name: string, value: string): string {
  if (!isToken(name)) throw badArgument(`the field name ${JSON.stringify(name)} is no token`)
  // The value may be a secret, so the message does not repeat it.
  if (!isFieldValue(value)) throw badArgument(`the value of ${name} has characters that no field value has`)
  return `${name}: ${value}\r\n`
}
