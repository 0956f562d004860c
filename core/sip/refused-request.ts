/** A request that was turned away before its owner saw it. */

export interface RefusedRequest {
  method: string;
  status: number;
  reason: string;
  /** URI of its From. */
  from: string;
}
