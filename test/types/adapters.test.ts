/** Claims about the types of the adapters; the type check of the repository is what verifies them. */
import type { TracerProvider } from '@opentelemetry/api';
import type { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { expectTypeOf, test } from 'vitest';
import { createOpenTelemetryObserver, type OpenTelemetryOptions } from '../../lib/adapters/opentelemetry.js';
import type { SessionObserver, SessionOptions } from '../../lib/index.js';

test('the OpenTelemetry observer is one for a session, and takes the provider of the SDK', () => {
  expectTypeOf(createOpenTelemetryObserver).returns.toEqualTypeOf<SessionObserver>();
  expectTypeOf(createOpenTelemetryObserver)
    .parameter(0)
    .toEqualTypeOf<OpenTelemetryOptions | null | undefined>();
  expectTypeOf<BasicTracerProvider>().toExtend<TracerProvider>();
  expectTypeOf<{ observers: [ReturnType<typeof createOpenTelemetryObserver>] }>().toExtend<SessionOptions>();
});
