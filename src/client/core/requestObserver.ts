/** Who wants to see each request of a client: tracing, metrics. */
export interface RequestInfo {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
}

/** Called once when the request is over. */
export type RequestEnd = (error: Error | null) => void;

export interface RequestObserver {
  /** False: nobody looks, and nothing is told. */
  readonly isActive: boolean;
  onRequest(info: RequestInfo): RequestEnd | null;
}

/** What a cluster has done so far. */
export interface ClusterCounters {
  requests: number;
  failedRequests: number;
  bytesSent: number;
  bytesReceived: number;
  connectionsOpened: number;
  connectionsFailed: number;
  metadataRefreshes: number;
  /** Milliseconds that brokers asked this client to hold back. */
  throttledMs: number;
}

export function makeClusterCounters(): ClusterCounters {
  return { requests: 0, failedRequests: 0, bytesSent: 0, bytesReceived: 0, connectionsOpened: 0, connectionsFailed: 0, metadataRefreshes: 0, throttledMs: 0 };
}
