/** The server-sent events of the demo's page. */

export type Agent = 'sender' | 'device';

export type PageEvent = LadderStep | PushCard;

/** One message between an agent and the SIP/IP core. */
export interface LadderStep {
  readonly kind: 'step';
  readonly agent: Agent;
  /** Whether the agent sent it. */
  readonly sent: boolean;
  /** Call-ID, which groups the messages of an exchange. */
  readonly exchange: string;
  /** `MESSAGE`, `200 OK`. */
  readonly label: string;
  /** Summary of the message. */
  readonly note: string;
  readonly response: boolean;
  readonly failed: boolean;
  readonly transport: string;
  /** Size of the whole message. */
  readonly bytes: number;
  /** The message as on the wire, with a binary body as a hex dump. */
  readonly text: string;
}

/** The outcome of one push at the device. */
export interface PushCard {
  readonly kind: 'push';
  readonly app: string;
  readonly outcome: 'accepted' | 'refused' | 'failed';
  readonly status: number;
  readonly from: string;
  readonly contentType: string;
  readonly mode: string;
  /** Size of the content in bytes. */
  readonly size: number;
  readonly title: string;
  readonly text?: string;
  readonly fields?: Readonly<Record<string, string | undefined>>;
}
