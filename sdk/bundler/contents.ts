/** The contents of a bundle, as `node FILE --manifest` prints them. */

/** A package with modules in the bundle. */
export interface BundledPackage {
  name: string;
  version: string;
  /** `license` of package.json: an SPDX expression. */
  license: string;
  /** Bytes in the bundle. */
  size: number;
}

export interface BundledApplication {
  id: string;
  accepts: readonly string[];
  iari?: string;
}

export interface BundleContents {
  platform: 'node' | 'browser';
  /** Platform of the native file beside the bundle, such as `linux-x64`; absent if none is needed. */
  target?: string;
  applications: readonly BundledApplication[];
  packages: readonly BundledPackage[];
  /** Features that the bundle omits because the configuration does not use them. */
  without: readonly string[];
}
