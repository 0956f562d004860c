/** A provisioning document: characteristics with parameters (OMA-WAP-TS-ProvCont-V1_1, 4 and 5). */

import {
  attributeOf,
  childrenNamed,
  defineDocument,
  element,
  MalformedError,
  type MarkupElement,
  requiredAttribute,
} from 'sip-push/formats';
import { PROVISIONING } from './language.js';

export interface Characteristic {
  /** `NAPDEF`, `PXLOGICAL`, `APPLICATION` and so on, in upper case. */
  readonly type: string;
  /** Parameters in their order. A name can be repeated. A parameter without a value is a flag: its value is ''. */
  readonly parms: readonly (readonly [name: string, value: string])[];
  readonly characteristics: readonly Characteristic[];
}

/**
 * Characters of a value. WBXML expands, so the limit on the size of the content does not bound it. Storage keys, which
 * contain a URI, have at most 512.
 */
const MAX_VALUE = 480;
/** Characters of a value that identifies a setting. */
const MAX_IDENTIFIER = 128;

/** text/vnd.wap.connectivity-xml and application/vnd.wap.connectivity-wbxml. */
export const provisioningDocument = defineDocument<readonly Characteristic[]>(
  PROVISIONING,
  'wap-provisioningdoc',
  (root) => childrenNamed(root, 'characteristic').map(read),
  (characteristics) => element('wap-provisioningdoc', { version: '1.1' }, ...characteristics.map(write)),
);

function read(characteristic: MarkupElement): Characteristic {
  return {
    type: requiredAttribute(characteristic, 'type').toUpperCase(),
    parms: childrenNamed(characteristic, 'parm').map((each) => [
      requiredAttribute(each, 'name').toUpperCase(),
      bounded(attributeOf(each, 'value') ?? ''),
    ]),
    characteristics: childrenNamed(characteristic, 'characteristic').map(read),
  };
}

function bounded(value: string): string {
  if (value.length > MAX_VALUE) {
    throw new MalformedError(
      `parm: invalid value of ${value.length} characters: expected at most ${MAX_VALUE}`,
    );
  }
  return value;
}

function write({ type, parms, characteristics }: Characteristic): MarkupElement {
  return element(
    'characteristic',
    { type },
    ...parms.map(([name, value]) => element('parm', value === '' ? { name } : { name, value })),
    ...characteristics.map(write),
  );
}

/** The first value of a parameter. */
export function parm({ parms }: Characteristic, name: string): string | undefined {
  return parms.find(([each]) => each === name)?.[1];
}

/** All values of a parameter. */
export function parms({ parms }: Characteristic, name: string): string[] {
  return parms.filter(([each]) => each === name).map(([, value]) => value);
}

/** @throws MalformedError if the parameter is missing or empty. */
export function requiredParm(characteristic: Characteristic, name: string): string {
  const value = parm(characteristic, name);
  if (!value) throw new MalformedError(`${characteristic.type}: missing parameter ${name}`);
  return value;
}

/** A required value that is part of storage keys. @throws MalformedError */
export function identifier(characteristic: Characteristic, name: string): string {
  const value = requiredParm(characteristic, name);
  if (value.length > MAX_IDENTIFIER) {
    throw new MalformedError(`${characteristic.type}: ${name} is longer than ${MAX_IDENTIFIER} characters`);
  }
  return value;
}

export function nested(
  of: { readonly characteristics: readonly Characteristic[] },
  type: string,
): Characteristic[] {
  return of.characteristics.filter((each) => each.type === type);
}
