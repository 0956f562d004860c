/** What a WBXML document holds beside its elements. */

import type { WbxmlLanguage } from './language.js';
import type { MarkupElement } from './markup.js';

export interface WbxmlDocument {
  readonly language: WbxmlLanguage;
  /** WBXML's own version, 1 to 3 for 1.1 to 1.3. */
  readonly version: number;
  readonly root: MarkupElement;
}
