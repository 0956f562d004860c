/** Initial filter criteria (3GPP TS 29.228 annex B, F): the requests of a user that an application server receives. */

export interface ApplicationServer {
  server: string;
  method: string;
  /** Only requests to the registered user; all sessions if absent. */
  terminating?: boolean;
  /** A regular expression for the value of a header. */
  header?: { name: string; content: string };
}

export function filterCriteria(servers: readonly ApplicationServer[]): string {
  return servers
    .map(
      (each, priority) =>
        `<InitialFilterCriteria><Priority>${priority}</Priority><TriggerPoint><ConditionTypeCNF>1</ConditionTypeCNF>` +
        `${triggers(each)}</TriggerPoint><ApplicationServer><ServerName>${each.server}</ServerName>` +
        // Session continued.
        '<DefaultHandling>0</DefaultHandling></ApplicationServer></InitialFilterCriteria>',
    )
    .join('');
}

function triggers({ method, terminating, header }: ApplicationServer): string {
  const points = [
    `<Method>${method}</Method>`,
    ...(terminating ? ['<SessionCase>1</SessionCase>'] : []),
    ...(header
      ? [`<SIPHeader><Header>${header.name}</Header><Content>${header.content}</Content></SIPHeader>`]
      : []),
  ];
  // Groups are combined with AND, so each trigger has its own.
  return points
    .map((point, group) => `<SPT><ConditionNegated>0</ConditionNegated><Group>${group}</Group>${point}</SPT>`)
    .join('');
}
