/** Counts what a document expands to while it is read. */

import type { OctetReader } from '../wsp/octets.js';
import type { WbxmlLimits } from './document.js';

export class WbxmlBounds {
  private nodes = 0;
  private characters = 0;

  constructor(
    private readonly reader: OctetReader,
    private readonly limits: WbxmlLimits,
  ) {}

  /** Counts an element, an attribute or a token of a value. */
  node(field: string): void {
    this.nodes += 1;
    if (this.nodes > this.limits.nodes) {
      throw this.reader.failure(field, `a document of at most ${this.limits.nodes} nodes`);
    }
  }

  /** @param start offset of the token, for the error message. */
  text(text: string, field: string, start: number): string {
    this.characters += text.length;
    if (this.characters > this.limits.characters) {
      throw this.reader.failure(field, `a document of at most ${this.limits.characters} characters`, start);
    }
    return text;
  }

  depth(depth: number): void {
    if (depth > this.limits.depth)
      throw this.reader.failure('element', `at most ${this.limits.depth} levels`);
  }
}
