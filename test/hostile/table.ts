/** The table that the suite prints at its end. */
import type { ChildEnd, Report } from './run.js';

interface Row {
  group: string;
  attack: string;
  status: string;
  code: string;
  ms: number;
  lagMs: number;
  quarantined: number;
  peakRssMb: number;
}

const rows: Row[] = [];

export function addRow(group: string, attack: string, end: ChildEnd, report: Report | null): void {
  const died = end.hung ? 'HUNG' : end.signal ? `DIED ${end.signal}` : `exit ${end.code}`;
  rows.push({
    group,
    attack,
    status: end.code === 0 && report ? report.status : died,
    code: report?.code ?? '',
    ms: report?.ms ?? end.ms,
    lagMs: report?.lagMs ?? 0,
    quarantined: report?.quarantined ?? 0,
    peakRssMb: report?.peakRssMb ?? 0,
  });
}

export function printTable(): void {
  const columns = ['group', 'attack', 'status', 'code', 'ms', 'lagMs', 'quarantined', 'peakRssMb'] as const;
  const sorted = [...rows].sort((a, b) => a.group.localeCompare(b.group));
  const lines = [
    columns as readonly string[],
    ...sorted.map((row) => columns.map((column) => String(row[column]))),
  ];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  const text = lines
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
  const quarantined = rows.reduce((sum, row) => sum + row.quarantined, 0);
  console.log(
    `node ${process.version}\n${text}\n${rows.length} programs, ${quarantined} quarantined threads`,
  );
}
