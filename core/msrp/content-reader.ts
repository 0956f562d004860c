/** The content of an outgoing message, read ahead by about one chunk. */

export class ContentReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #ahead: number;
  readonly #onChange: (error?: Error) => void;
  /** In order; those before `#next` were taken. */
  #pieces: Uint8Array[] = [];
  #available = 0;
  #ended = false;
  #reading = false;

  /**
   * @param ahead bytes to have at hand.
   * @param onChange there are more bytes, or their end; with the error when the stream failed.
   */
  constructor(stream: ReadableStream<Uint8Array>, ahead: number, onChange: (error?: Error) => void) {
    this.#reader = stream.getReader();
    this.#ahead = ahead;
    this.#onChange = onChange;
    void this.#fill();
  }

  /** Bytes at hand. */
  get available(): number {
    return this.#available;
  }

  /** Nothing comes after what is at hand. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Up to so many bytes of those at hand, as they came. */
  take(limit: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    let left = Math.min(limit, this.#available);
    this.#available -= left;
    let count = 0;
    for (const piece of this.#pieces) {
      if (left === 0) break;
      if (piece.length > left) {
        taken.push(piece.subarray(0, left));
        this.#pieces[count] = piece.subarray(left);
        break;
      }
      taken.push(piece);
      left -= piece.length;
      count++;
    }
    this.#pieces.splice(0, count);
    void this.#fill();
    return taken;
  }

  /** Never rejects. */
  cancel(reason?: unknown): void {
    this.#ended = true;
    this.#pieces = [];
    this.#available = 0;
    this.#reader.cancel(reason).catch(() => {});
  }

  async #fill(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (!this.#ended && this.#available < this.#ahead) {
        const { done, value } = await this.#reader.read();
        if (this.#ended) return;
        if (done) this.#ended = true;
        else if (value.length === 0) continue;
        else this.#add(value);
        this.#onChange();
      }
    } catch (error) {
      if (!this.#ended) this.#onChange(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#reading = false;
    }
  }

  #add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#available += piece.length;
  }
}
