import diagnosticsChannel from 'node:diagnostics_channel';
import { clientClock } from './clientClock.ts';
import { apiSpec } from '../protocol/framing.ts';
import type { RequestEnd, RequestInfo, RequestObserver } from './core/requestObserver.ts';

/** Names of the channels of node:diagnostics_channel. Each message is an object; those of one request share `info`. */
export const CHANNELS = {
  requestStart: 'tidelog:client:request:start',
  requestEnd: 'tidelog:client:request:end',
  requestError: 'tidelog:client:request:error',
} as const;

const start = diagnosticsChannel.channel(CHANNELS.requestStart);
const end = diagnosticsChannel.channel(CHANNELS.requestEnd);
const failed = diagnosticsChannel.channel(CHANNELS.requestError);

/** Publishes each request; costs two comparisons where nobody has subscribed. */
export const diagnosticsObserver: RequestObserver = {
  get isActive() {
    return start.hasSubscribers || end.hasSubscribers || failed.hasSubscribers;
  },
  onRequest(info: RequestInfo): RequestEnd {
    const startedMs = clientClock.monotonicMs();
    const message = { ...info, api: apiSpec(info.apiKey)?.name ?? String(info.apiKey) };
    start.publish({ info: message });
    return (error) => {
      const durationMs = clientClock.monotonicMs() - startedMs;
      if (error === null) end.publish({ info: message, durationMs });
      else failed.publish({ info: message, durationMs, error });
    };
  },
};
