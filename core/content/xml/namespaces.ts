/** Namespaces in XML 1.0: which language a name belongs to, whatever prefix the document writes for it. */

import { isElement, joinedText, type MarkupElement } from '../wbxml/document.js';

export interface ExpandedName {
  /** '' for a name in none. */
  readonly namespace: string;
  readonly local: string;
}

/**
 * An element with the declarations that hold within it. Each knows those around it, so that entering costs its own alone.
 */
export class ScopedElement {
  readonly #declared = new Map<string, string>();

  private constructor(
    readonly element: MarkupElement,
    private readonly around: ScopedElement | undefined,
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

  /** Of an attribute that has a prefix. */
  expand(name: string): ExpandedName {
    const colon = name.indexOf(':');
    const prefix = colon < 0 ? '' : name.slice(0, colon);
    return { namespace: this.#lookUp(prefix), local: name.slice(colon + 1) };
  }

  #lookUp(prefix: string): string {
    // As many as elements nest: the parser bounds that.
    for (let scope: ScopedElement | undefined = this; scope; scope = scope.around) {
      const namespace = scope.#declared.get(prefix);
      if (namespace !== undefined) return namespace;
    }
    return '';
  }
}
