/** Status of a REPORT (RFC 4975 7.1.2, 9): `000 200 OK`. */

export interface MsrpStatus {
  /** Three digits; `000` is RFC 4975's own, the others are not understood by anybody. */
  namespace: string;
  /** As of a response. */
  code: number;
  /** Empty where there is none. */
  comment: string;
}

const STATUS = /^([0-9]{3}) +([0-9]{3})(?: +(.*))?$/;

export function parseStatus(value: string): MsrpStatus | undefined {
  const [, namespace, code, comment = ''] = STATUS.exec(value) ?? [];
  return namespace === undefined ? undefined : { namespace, code: Number(code), comment };
}

export function formatStatus(code: number, comment = ''): string {
  const status = `000 ${String(code).padStart(3, '0')}`;
  return comment === '' ? status : `${status} ${comment}`;
}
