/** Namespaces in XML 1.0. */

import { isElement, joinedText, type MarkupElement } from '../markup.js';

export interface ExpandedName {
  /** '' for a name without a namespace. */
  readonly namespace: string;
  readonly local: string;
}

/** An element with its namespace declarations, and a link to those of its ancestors. */
export class ScopedElement {
  readonly #declared = new Map<string, string>();

  private constructor(
    readonly element: MarkupElement,
    private readonly parent: ScopedElement | undefined,
  ) {
    for (const { name, value } of element.attributes) {
      if (name === 'xmlns') this.#declared.set('', joinedText(value));
      else if (name.startsWith('xmlns:')) this.#declared.set(name.slice('xmlns:'.length), joinedText(value));
    }
  }

  static ofRoot(root: MarkupElement): ScopedElement {
    return new ScopedElement(root, undefined);
  }

  get name(): ExpandedName {
    return this.expand(this.element.name);
  }

  get children(): ScopedElement[] {
    return this.element.children.filter(isElement).map((child) => new ScopedElement(child, this));
  }

  /** The expanded name of an element, or of an attribute with a prefix. */
  expand(name: string): ExpandedName {
    const colon = name.indexOf(':');
    const prefix = colon < 0 ? '' : name.slice(0, colon);
    return { namespace: this.#lookUp(prefix), local: name.slice(colon + 1) };
  }

  #lookUp(prefix: string): string {
    // The parser limits the depth.
    for (let scope: ScopedElement | undefined = this; scope; scope = scope.parent) {
      const namespace = scope.#declared.get(prefix);
      if (namespace !== undefined) return namespace;
    }
    return '';
  }
}
