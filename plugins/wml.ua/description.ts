/** Describes pushed documents for the user. */

import type { CacheOperation, ServiceIndication, ServiceLoading } from 'sip-push/formats';
import { defined, type PushDescription, printable } from 'sip-push/sdk';
import type { PushDocument } from './documents.js';

export function describeDocument(pushed: PushDocument): PushDescription {
  switch (pushed.kind) {
    case 'service-indication':
      return describeIndication(pushed.document);
    case 'service-loading':
      return describeLoading(pushed.document);
    case 'cache-operation':
      return describeOperation(pushed.document);
  }
}

function describeIndication(indication: ServiceIndication): PushDescription {
  const { action, href, id, text, created, expires, info = [] } = indication;
  const fields = defined({
    service: href ? printable(href) : undefined,
    id: id ? printable(id) : undefined,
    created: created && displayTime(created),
    expires: expires && displayTime(expires),
  });
  if (action === 'delete') {
    return {
      title: 'A service deletes an indication',
      text: printable(id || href || 'No identifier'),
      fields,
    };
  }
  return {
    title: 'Service indication',
    text: printable(text) || 'No text',
    fields: {
      ...Object.fromEntries(info.map((item) => [printable(item.class), printable(item.text)])),
      priority: action.replace('signal-', ''),
      ...fields,
    },
  };
}

const LOADING: Readonly<Record<ServiceLoading['action'], string>> = {
  'execute-low': 'in the background',
  'execute-high': 'at once',
  cache: 'into the cache',
};

function describeLoading({ href, action }: ServiceLoading): PushDescription {
  return {
    title: 'Service loading',
    text: printable(href),
    fields: { when: LOADING[action] },
  };
}

function describeOperation({ invalidations }: CacheOperation): PushDescription {
  const lines = invalidations.map(({ what, uri }) =>
    what === 'object' ? printable(uri) : `everything below ${printable(uri)}`,
  );
  return { title: 'Cached resources are invalid', text: lines.join(', ') };
}

/** `2026-11-22 02:24 UTC` */
function displayTime(time: Date): string {
  return time.toISOString().replace(/T(\d\d:\d\d).*$/, ' $1 UTC');
}
