import { Http1Error, type Http1ErrorCode } from './error.ts'
import { FIELD_COUNT, type Field, fieldOfBytes } from './field.ts'

/** Words of a row of the field table. */
const NAME_START = 0
const NAME_END = 1
const VALUE_START = 2
const VALUE_END = 3
/** Id in the low byte, {@link DROPPED} above it. */
const KIND = 4
/** Index + 1 of the next field with the same id, 0 if none. */
const NEXT = 5
const ROW = 6

const DROPPED = 256
const INITIAL_FIELDS = 24
const NOTHING = Buffer.alloc(0)

/**
 * The fields of a message, as offsets into the bytes they came in. Base of both heads; trailers are a plain one.
 *
 * A reused view: valid inside the callback that hands it over, and after it only as long as neither the buffer
 * nor the decoder (or parser) that filled it is used again. No string is made until one is asked for.
 */
export class Head {
  /** The bytes that all offsets refer to. */
  buffer: Buffer = NOTHING
  /** Offset of the head's first byte. */
  start = 0
  /** Offset after the CRLF that ends the head. */
  end = 0
  /** Offset of the first field line, and of the empty line after the last. */
  fieldsStart = 0
  fieldsEnd = 0
  fieldCount = 0
  /** Bytes of the same message before this head: an interim head, or the body before trailers. */
  messageOffset = 0
  /** 502 if whatever is wrong is the fault of an application, 0 if that of a client. */
  faultStatus: 0 | 502 = 0

  #table = new Uint32Array(INITIAL_FIELDS * ROW)
  /** By id: index + 1 of the first field with it, and, FIELD_COUNT further, of the last. */
  readonly #ends = new Uint16Array(FIELD_COUNT * 2)

  /** Index of the first field with that id, -1 if there is none. O(1). For `OTHER`: the first unknown name. */
  find(field: Field): number {
    return this.#ends[field] - 1
  }

  /** Index of the next field with the same id as field `index`, -1 if there is none. O(1). */
  next(index: number): number {
    return this.#table[index * ROW + NEXT] - 1
  }

  /** Whether more than one field has that id. O(1). */
  isRepeated(field: Field): boolean {
    return this.#ends[field] !== this.#ends[FIELD_COUNT + field]
  }

  /** The name as sent. */
  name(index: number): string {
    return this.buffer.toString('latin1', this.nameStart(index), this.nameEnd(index))
  }

  /** The value as Latin-1, without surrounding white space. */
  value(index: number): string {
    return this.buffer.toString('latin1', this.valueStart(index), this.valueEnd(index))
  }

  nameStart(index: number): number {
    return this.#table[index * ROW + NAME_START]
  }

  nameEnd(index: number): number {
    return this.#table[index * ROW + NAME_END]
  }

  valueStart(index: number): number {
    return this.#table[index * ROW + VALUE_START]
  }

  valueEnd(index: number): number {
    return this.#table[index * ROW + VALUE_END]
  }

  /** Id of the name, 0 for names that brxy does not know. */
  field(index: number): Field {
    return (this.#table[index * ROW + KIND] & 255) as Field
  }

  /** Whether the writers leave the field out: nominated by Connection, `_` in its name, forbidden trailer. */
  isDropped(index: number): boolean {
    return this.#table[index * ROW + KIND] >= DROPPED
  }

  /** Has the writers leave field `index` out. */
  drop(index: number): void {
    this.#table[index * ROW + KIND] |= DROPPED
  }

  /** @internal Empties the view and points it at the first byte of a head. */
  reset(buffer: Buffer, start: number): void {
    this.buffer = buffer
    this.start = start
    this.end = start
    this.fieldsStart = start
    this.fieldsEnd = start
    this.fieldCount = 0
    this.#ends.fill(0)
  }

  /** @internal Records a field line whose bytes were checked. */
  add(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): Field {
    const index = this.fieldCount++
    const row = index * ROW
    if (row === this.#table.length) this.#grow()
    const table = this.#table
    const field = fieldOfBytes(this.buffer, nameStart, nameEnd)
    table[row + NAME_START] = nameStart
    table[row + NAME_END] = nameEnd
    table[row + VALUE_START] = valueStart
    table[row + VALUE_END] = valueEnd
    table[row + KIND] = field
    table[row + NEXT] = 0
    const ends = this.#ends
    const last = ends[FIELD_COUNT + field]
    if (last === 0) ends[field] = index + 1
    else table[(last - 1) * ROW + NEXT] = index + 1
    ends[FIELD_COUNT + field] = index + 1
    return field
  }

  /** @internal The bytes moved to `buffer`, each `distance` bytes nearer to its start. */
  move(buffer: Buffer, distance: number): void {
    this.buffer = buffer
    this.start -= distance
    this.end -= distance
    this.fieldsStart -= distance
    this.fieldsEnd -= distance
    for (let row = 0; row < this.fieldCount * ROW; row += ROW) {
      this.#table[row + NAME_START] -= distance
      this.#table[row + NAME_END] -= distance
      this.#table[row + VALUE_START] -= distance
      this.#table[row + VALUE_END] -= distance
    }
  }

  /** The error for a fault at offset `at` of the buffer. */
  fault(code: Http1ErrorCode, at: number, detail?: string): Http1Error {
    const offset = this.messageOffset + at - this.start
    return new Http1Error(code, offset, this.faultStatus === 0 ? undefined : this.faultStatus, detail)
  }

  #grow(): void {
    const larger = new Uint32Array(this.#table.length * 2)
    larger.set(this.#table)
    this.#table = larger
  }
}
