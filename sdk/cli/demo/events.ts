/** What the demo's page is told, as server-sent events. */

export type Agent = 'sender' | 'device';

export type PageEvent = LadderStep | PushCard;

/** One message between an agent and the SIP/IP core. */
export interface LadderStep {
  readonly kind: 'step';
  readonly agent: Agent;
  /** Whether the agent sent it. */
  readonly sent: boolean;
  /** Call-ID: messages of one exchange stand together. */
  readonly exchange: string;
  /** `MESSAGE`, `200 OK`. */
  readonly label: string;
  /** What it is about, in a few words. */
  readonly note: string;
  readonly response: boolean;
  readonly failed: boolean;
  readonly transport: string;
  /** Of the whole message. */
  readonly bytes: number;
  /** As it was on the wire; a binary body as a hex dump. */
  readonly text: string;
}

/** What the device made of one push. */
export interface PushCard {
  readonly kind: 'push';
  readonly app: string;
  readonly outcome: 'accepted' | 'refused' | 'failed';
  readonly status: number;
  readonly from: string;
  readonly contentType: string;
  readonly mode: string;
  /** Of the content, bytes. */
  readonly size: number;
  readonly title: string;
  readonly text?: string;
  readonly fields?: Readonly<Record<string, string>>;
}
