import * as native from '../index'

export type Bytes = string | Uint8Array

/** Finds one pattern in any number of texts. Positions count bytes; a string is taken as UTF-8. */
export class Finder {
  readonly #searcher: native.Searcher

  constructor(pattern: Bytes) {
    this.#searcher = new native.Searcher(toBuffer(pattern))
  }

  findAll(text: Bytes): number[] {
    return this.#searcher.findAll(toBuffer(text))
  }

  occursIn(text: Bytes): boolean {
    return this.findAll(text).length > 0
  }
}

/** How often a pattern occurs in a text; overlapping matches count. */
export function count(pattern: Bytes, text: Bytes): number {
  return native.count(toBuffer(pattern), toBuffer(text))
}

function toBuffer(bytes: Bytes): Buffer {
  // The addon of napi 2 takes Node's own buffers only, not every Uint8Array.
  return Buffer.from(bytes as Uint8Array)
}
