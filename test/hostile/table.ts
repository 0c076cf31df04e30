/** The table that the suite prints at its end. */
import type { HostileProgram } from './program.js';
import type { ChildEnd, Report } from './run.js';

interface Row {
  group: string;
  attack: string;
  status: string;
  code: string;
  ms: number;
  lagMs: number;
  /** Milliseconds from the program's limit of time to its end; 0 when it ended before. */
  lateMs: number;
  quarantined: number;
  rssLeftMb: number;
  peakRssMb: number;
}

const rows: Row[] = [];

/** Late ends and memory that stayed are told apart from the rest; a busy machine can make them, so no test fails for them. */
const LATE_MS = 500;
const MUCH_MB = 64;

export function addRow(
  group: string,
  { name: attack, limits }: Pick<HostileProgram, 'name' | 'limits'>,
  end: ChildEnd,
  report: Report | null,
): void {
  const died = end.hung ? 'HUNG' : end.signal ? `DIED ${end.signal}` : `exit ${end.code}`;
  rows.push({
    group,
    attack,
    status: end.code === 0 && report ? report.status : died,
    code: report?.code ?? '',
    ms: report?.ms ?? end.ms,
    lagMs: report?.lagMs ?? 0,
    lateMs: report === null ? 0 : Math.max(0, report.ms - limitMs(limits)),
    quarantined: report?.quarantined ?? 0,
    rssLeftMb: report?.rssLeftMb ?? 0,
    peakRssMb: report?.peakRssMb ?? 0,
  });
}

function limitMs({ wallMs = 1000, idleMs = 0 }: NonNullable<HostileProgram['limits']> = {}): number {
  return wallMs || idleMs || Infinity;
}

export function printTable(): void {
  const columns = [
    ...(['group', 'attack', 'status', 'code', 'ms', 'lateMs', 'lagMs', 'quarantined'] as const),
    ...(['rssLeftMb', 'peakRssMb'] as const),
  ];
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
  const list = (title: string, chosen: Row[], value: keyof Row) =>
    `${title}: ${chosen.length}${chosen.map((row) => `\n  ${row.attack} (${row[value]})`).join('')}`;
  const late = rows.filter(({ lateMs }) => lateMs > LATE_MS);
  const kept = rows.filter((row) => row.rssLeftMb > MUCH_MB && row.quarantined === 0);
  console.log(
    [
      `node ${process.version}`,
      text,
      list(`ended more than ${LATE_MS} ms after their limit, ms`, late, 'lateMs'),
      list(`left more than ${MUCH_MB} MB without a thread given up, MB`, kept, 'rssLeftMb'),
      `${rows.length} programs, ${quarantined} quarantined threads`,
    ].join('\n'),
  );
}
