/** A duration in at most three significant parts: `12 ms`, `1.25 s`, `3 min 04 s`, `2 h 05 min`. */
export function formatDuration(ms: number): string {
  const size = Math.abs(ms);
  if (size < 1000) return `${size < 10 && !Number.isInteger(ms) ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (size < 59_950) return `${(ms / 1000).toFixed(size < 10_000 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  const pad = (value: number) => String(value).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

/** A moment on the axis, as precise as the distance between two ticks asks for. */
export function formatTick(ms: number, step: number): string {
  if (ms === 0) return '0';
  if (ms < 1000 && step < 1000) return `${step < 1 ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (ms < 60_000) {
    const digits = step >= 1000 ? 0 : Math.max(1, Math.ceil(-Math.log10(step / 1000)));
    return `${(ms / 1000).toFixed(digits)} s`;
  }
  const pad = (value: number) => String(value).padStart(2, '0');
  const fraction =
    step >= 1000
      ? ''
      : `.${String(Math.floor(ms % 1000))
          .padStart(3, '0')
          .slice(0, step >= 100 ? 1 : 3)}`;
  const seconds = Math.floor(ms / 1000);
  const hours = Math.floor(seconds / 3600);
  const rest = `${pad(Math.floor((seconds % 3600) / 60))}:${pad(seconds % 60)}${fraction}`;
  return hours > 0 ? `${hours}:${rest}` : rest.replace(/^0/, '');
}

const steps = [1, 2, 5];

/** The smallest round step (1, 2 or 5 times a power of ten; whole minutes and hours) that is at least `minimum` ms. */
export function roundStep(minimum: number): number {
  const long = [
    15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000,
  ];
  if (minimum > 10_000) {
    return long.find((step) => step >= minimum) ?? Math.ceil(minimum / 86_400_000) * 86_400_000;
  }
  let power = 10 ** Math.floor(Math.log10(Math.max(minimum, 0.1)));
  for (;;) {
    for (const step of steps) if (step * power >= minimum) return step * power;
    power *= 10;
  }
}
