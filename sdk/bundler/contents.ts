/** What is inside a bundle, as `node FILE --manifest` prints it. */

/** A package of which something is inside. */
export interface BundledPackage {
  name: string;
  version: string;
  /** As package.json has it: an SPDX expression. */
  license: string;
  /** Bytes of the bundle. */
  size: number;
}

export interface BundledApplication {
  id: string;
  accepts: readonly string[];
  iari?: string;
}

export interface BundleContents {
  platform: 'node' | 'browser';
  /** Of the native file beside the bundle, `linux-x64`; absent where none is needed. */
  target?: string;
  applications: readonly BundledApplication[];
  packages: readonly BundledPackage[];
  /** Features that the configuration does not use, and that the bundle does not contain. */
  without: readonly string[];
}
