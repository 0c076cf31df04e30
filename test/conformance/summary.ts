/** Counts results per area and prints one table at the end of a file's run. */
export type Verdict = 'passed' | 'failed' | 'set aside';

export class ConformanceSummary {
  readonly #title: string;
  readonly #areas = new Map<string, Record<Verdict, number>>();
  readonly #reasons = new Map<string, string[]>();
  readonly #notes: string[] = [];

  constructor(title: string) {
    this.#title = title;
  }

  count(area: string, verdict: Verdict): void {
    const row = this.#areas.get(area) ?? { passed: 0, failed: 0, 'set aside': 0 };
    row[verdict] += 1;
    this.#areas.set(area, row);
  }

  setAside(area: string, id: string, reason: string): void {
    this.count(area, 'set aside');
    this.#reasons.set(reason, [...(this.#reasons.get(reason) ?? []), id]);
  }

  note(text: string): void {
    this.#notes.push(text);
  }

  toString(): string {
    const total: Record<Verdict, number> = { passed: 0, failed: 0, 'set aside': 0 };
    const line = (name: string, row: Record<Verdict, number>) =>
      `  ${name.padEnd(16)}${String(row.passed).padStart(7)}${String(row.failed).padStart(7)}${String(row['set aside']).padStart(10)}`;
    const lines = [...this.#areas].map(([area, row]) => {
      for (const verdict of Object.keys(total) as Verdict[]) total[verdict] += row[verdict];
      return line(area, row);
    });
    return [
      `${this.#title} on Node ${process.versions.node} (V8 ${process.versions.v8})`,
      `  ${'area'.padEnd(16)} passed failed set aside`,
      ...lines,
      line('total', total),
      ...[...this.#reasons].map(([reason, ids]) => `  set aside: ${reason}: ${ids.join(', ')}`),
      ...this.#notes.map((note) => `  ${note}`),
    ].join('\n');
  }
}
