/** Describes pushed documents for the user. */

import type { ServiceIndication, ServiceLoading } from 'sip-push/formats';
import type { PushDescription } from 'sip-push/sdk';
import type { Invalidated, PushDocument } from './documents.js';

export function describeDocument(pushed: PushDocument): PushDescription {
  switch (pushed.kind) {
    case 'service-indication':
      return describeIndication(pushed.document);
    case 'service-loading':
      return describeLoading(pushed.document);
    case 'cache-operation':
      return describeInvalidated(pushed.document);
  }
}

function describeIndication(indication: ServiceIndication): PushDescription {
  const { action, href, id, text, created, expires, info = [] } = indication;
  const fields = {
    service: href || undefined,
    id: id || undefined,
    created: created && displayTime(created),
    expires: expires && displayTime(expires),
  };
  if (action === 'delete') {
    return {
      title: 'A service deletes an indication',
      text: id || href || 'No identifier',
      fields,
    };
  }
  return {
    title: 'Service indication',
    text: text || 'No text',
    fields: {
      ...Object.fromEntries(info.map((item) => [item.class, item.text])),
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
    text: href,
    fields: { when: LOADING[action] },
  };
}

function describeInvalidated({ invalidateObjects, invalidateServices }: Invalidated): PushDescription {
  const services = invalidateServices.map((uri) => `everything below ${uri}`);
  return { title: 'Cached resources are invalid', text: [...invalidateObjects, ...services].join(', ') };
}

/** `2026-11-22 02:24 UTC` */
function displayTime(time: Date): string {
  return time.toISOString().replace(/T(\d\d:\d\d).*$/, ' $1 UTC');
}
