/** The `a=` lines of a session or of a media line. */

export class Attributes {
  readonly #values = new Map<string, string[]>();

  /** @param inherited of the session: they hold for a media line that has no such attribute of its own. */
  constructor(private readonly inherited?: Attributes) {}

  /** Of `name` or `name:value`. */
  add(text: string): void {
    const colon = text.indexOf(':');
    const name = (colon < 0 ? text : text.slice(0, colon)).trim().toLowerCase();
    // The sample of TS B.4 has `a=setup: passive`.
    const value = colon < 0 ? '' : text.slice(colon + 1).trim();
    const values = this.#values.get(name);
    if (values) values.push(value);
    else this.#values.set(name, [value]);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Which of names that exclude each other is there. */
  find<Name extends string>(names: readonly Name[]): Name | undefined {
    return names.find((name) => this.#values.has(name)) ?? this.inherited?.find(names);
  }

  /** The first; empty when the attribute has no value. */
  get(name: string): string | undefined {
    return this.getAll(name)[0];
  }

  getAll(name: string): readonly string[] {
    return this.#values.get(name) ?? this.inherited?.getAll(name) ?? [];
  }
}
