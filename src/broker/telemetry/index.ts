/** Client telemetry (KIP-714). */
import type { Served } from '../dispatch.ts';
import { getTelemetrySubscriptionsHandler } from './getTelemetrySubscriptions.ts';
import { pushTelemetryHandler } from './pushTelemetry.ts';

export { Telemetry } from './telemetry.ts';

export const telemetryHandlers: readonly Served['handler'][] = [getTelemetrySubscriptionsHandler, pushTelemetryHandler];
