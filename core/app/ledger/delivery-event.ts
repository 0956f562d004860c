/** The events about confirmed pushes that their applications do not accept. */

/** The part of an application's share that has no space for another push. */
export type FullStore = 'inbox' | 'dead-letters' | 'references';

/** An event of the deliveries of durable pushes. */
export type DeliveryEvent =
  | {
      /** An application did not accept a confirmed push. It is redelivered. */
      event: 'retry';
      /** Id of the push. */
      id: string;
      /** event-app-id of the application. */
      app: string;
      /** Number of the delivery that failed, from 1. */
      attempt: number;
      /** Why the delivery failed, for people. */
      reason: string;
      /** Seconds until the next delivery. */
      nextInSeconds: number;
    }
  | {
      /** A confirmed push is no longer redelivered. It is kept until it is redelivered by hand, or dropped. */
      event: 'dead-letter';
      /** Id of the push. */
      id: string;
      /** event-app-id of the application. */
      app: string;
      /** Number of deliveries. */
      attempts: number;
      /** Why the last delivery failed, for people. */
      reason: string;
    }
  | {
      /**
       * An application has used up its share of the store: its new pushes are refused, those of other applications are
       * not. At most once a minute.
       */
      event: 'full';
      /** event-app-id of the application. */
      app: string;
      /** What is used up: pushes that wait, dead letters, or references whose content is to be retrieved. */
      store: FullStore;
      /** How much it holds, and its share, for people. */
      reason: string;
    };

export type DeliveryListener = (event: DeliveryEvent) => void;
