/** User Agent Profiles (OMA-TS-UAProf 2.0): what a terminal can take, of which a push sender needs the push characteristics. */

export const PROFILE_TYPE = 'application/rdf+xml';

/** What is absent the profile does not say. */
export interface UserAgentProfile {
  readonly vendor?: string;
  readonly model?: string;
  /** Push-Accept-AppID as written, `x-wap-application:wml.ua`; `*` for any. */
  readonly applications?: readonly string[];
  /** Push-Accept: media types and ranges, lower-case, without parameters. */
  readonly mediaTypes?: readonly string[];
  /** Push-MsgSize: largest content, bytes. */
  readonly maxSize?: number;
}

export const RDF_NAMESPACE = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#';

/** What is written. Readers know any version of the schema by what its namespace has in common. */
export const SCHEMA_NAMESPACE = 'http://www.openmobilealliance.org/tech/profiles/UAPROF/ccppschema-20021212#';

/** `http://www.wapforum.org/profiles/UAPROF/ccppschema-20010430#`, and the later ones. */
export function isSchemaNamespace(namespace: string): boolean {
  return /\/ccppschema-[\w.-]{1,40}#$/.test(namespace);
}
