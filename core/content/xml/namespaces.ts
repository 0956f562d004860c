/** Namespaces in XML 1.0: which language a name belongs to, whatever prefix the document writes for it. */

import { joinedText, type MarkupElement } from '../wbxml/markup.js';

export interface ExpandedName {
  /** '' for a name in none. */
  readonly namespace: string;
  readonly local: string;
}

/** The declarations that hold within one element. Each knows those around it, so that entering costs its own alone. */
export class NamespaceScope {
  readonly #declared = new Map<string, string>();

  private constructor(
    element: MarkupElement,
    private readonly around: NamespaceScope | undefined,
  ) {
    for (const { name, value } of element.attributes) {
      if (name === 'xmlns') this.#declared.set('', joinedText(value));
      else if (name.startsWith('xmlns:')) this.#declared.set(name.slice('xmlns:'.length), joinedText(value));
    }
  }

  static ofRoot(root: MarkupElement): NamespaceScope {
    return new NamespaceScope(root, undefined);
  }

  /** Of an element in this one. */
  of(child: MarkupElement): NamespaceScope {
    return new NamespaceScope(child, this);
  }

  /** The name of the element whose scope this is, or of one of its attributes that has a prefix. */
  expand(name: string): ExpandedName {
    const colon = name.indexOf(':');
    const prefix = colon < 0 ? '' : name.slice(0, colon);
    return { namespace: this.#lookUp(prefix), local: name.slice(colon + 1) };
  }

  #lookUp(prefix: string): string {
    // As many as elements nest: the parser bounds that.
    for (let scope: NamespaceScope | undefined = this; scope; scope = scope.around) {
      const namespace = scope.#declared.get(prefix);
      if (namespace !== undefined) return namespace;
    }
    return '';
  }
}
