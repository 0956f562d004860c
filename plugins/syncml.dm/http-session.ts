/** The built-in `startSession`: posts package #1 of the DM session to the server. */

import { type AppFetch, FetchError } from 'sip-push/sdk';
import type { StartSession } from './session.js';

const TYPE = 'application/vnd.syncml.dm+xml';
/** Alert codes of DM: the initiator of the session. */
const SERVER_INITIATED = 1200;
const CLIENT_INITIATED = 1201;

/** Rejects with FetchError if the server is unreachable or does not answer 2xx. The body of the answer is ignored. */
export function httpSession(fetch: AppFetch, url: string, device: string): StartSession {
  return async ({ sessionId, initiator }, signal) => {
    const text = packageOne({
      session: hexadecimal(sessionId),
      url,
      device,
      alert: initiator === 'server' ? SERVER_INITIATED : CLIENT_INITIATED,
    });
    const headers = { 'content-type': `${TYPE}; charset=utf-8`, accept: TYPE };
    const body = new TextEncoder().encode(text);
    const response = await fetch(url, { method: 'POST', headers, body, signal });
    await response.body.cancel();
    if (response.status >= 300) throw FetchError.ofStatus(response);
    return undefined;
  };
}

/** A session id has at most four characters (SyncML representation protocol); decimal digits would need five. */
function hexadecimal(sessionId: number): string {
  return sessionId.toString(16).toUpperCase();
}

interface PackageOne {
  readonly session: string;
  readonly url: string;
  readonly device: string;
  readonly alert: number;
}

function packageOne({ session, url, device, alert }: PackageOne): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>',
    `<SessionID>${session}</SessionID><MsgID>1</MsgID>`,
    `<Target><LocURI>${escaped(url)}</LocURI></Target>`,
    `<Source><LocURI>${escaped(device)}</LocURI></Source></SyncHdr>`,
    `<SyncBody><Alert><CmdID>1</CmdID><Data>${alert}</Data></Alert><Final/></SyncBody></SyncML>`,
  ].join('');
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
