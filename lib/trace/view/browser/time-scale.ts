import type { ViewRow } from '../document.js';

/** A stretch of time in which nothing happened. */
export interface IdleGap {
  from: number;
  to: number;
}

interface Segment {
  from: number;
  to: number;
  /** Position on the drawn axis, where idle gaps are short. */
  drawnFrom: number;
  drawnTo: number;
  idle: boolean;
}

/** Stretches longer than a part of the whole in which no inference, cell or call ran. */
export function findIdleGaps(rows: readonly ViewRow[], duration: number): IdleGap[] {
  const busy = rows
    .filter((row) => row.kind !== 'thread' && row.kind !== 'turn')
    .map((row) => ({ from: row.start, to: Math.max(row.start, row.end ?? row.start) }))
    .sort((a, b) => a.from - b.from);
  const gaps: IdleGap[] = [];
  const shortest = Math.max(duration * 0.04, 20);
  let reached = 0;
  for (const { from, to } of [...busy, { from: duration, to: duration }]) {
    if (from - reached > shortest) gaps.push({ from: reached, to: from });
    reached = Math.max(reached, to);
  }
  return gaps;
}

/** Maps moments to pixels of the lanes and back; holds what part of the time is in view. */
export class TimeScale {
  #segments: Segment[] = [];
  #length = 1;
  /** What is in view, on the drawn axis. */
  #from = 0;
  #to = 1;
  width = 1;
  readonly duration: number;

  constructor(duration: number, gaps: readonly IdleGap[]) {
    this.duration = Math.max(duration, 1);
    this.shorten(gaps);
  }

  /** Draws the gaps short, each as a fiftieth of what is left; an empty list draws time as it is. Shows everything. */
  shorten(gaps: readonly IdleGap[]): void {
    const idle = gaps.reduce((sum, gap) => sum + (gap.to - gap.from), 0);
    const gapLength = Math.max((this.duration - idle) / 50, 0.5);
    this.#segments = [];
    let at = 0;
    let drawn = 0;
    const add = (to: number, isIdle: boolean) => {
      if (to <= at) return;
      const length = isIdle ? Math.min(gapLength, to - at) : to - at;
      this.#segments.push({ from: at, to, drawnFrom: drawn, drawnTo: drawn + length, idle: isIdle });
      at = to;
      drawn += length;
    };
    for (const gap of gaps) {
      add(gap.from, false);
      add(gap.to, true);
    }
    add(this.duration, false);
    this.#length = Math.max(drawn, 1);
    this.showAll();
  }

  showAll(): void {
    // A little air on both sides, so that the first and the last bar do not touch the edge.
    const air = this.#length * 0.02;
    this.#from = -air;
    this.#to = this.#length + air * 3;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** The part in view, as fractions of the whole. */
  get view(): { from: number; to: number } {
    return { from: this.#from / this.#length, to: this.#to / this.#length };
  }

  setView(from: number, to: number): void {
    this.#set(from * this.#length, to * this.#length);
  }

  /** A moment as a fraction of the whole. */
  fraction(time: number): number {
    return this.#draw(time) / this.#length;
  }

  x(time: number): number {
    return ((this.#draw(time) - this.#from) / (this.#to - this.#from)) * this.width;
  }

  time(x: number): number {
    const drawn = this.#from + (x / this.width) * (this.#to - this.#from);
    const segment = this.#segments.find((each) => drawn <= each.drawnTo) ?? this.#segments.at(-1);
    if (segment === undefined) return drawn;
    const part = (drawn - segment.drawnFrom) / (segment.drawnTo - segment.drawnFrom || 1);
    return segment.from + part * (segment.to - segment.from);
  }

  /** Milliseconds for one pixel where time is not shortened. */
  get resolution(): number {
    return (this.#to - this.#from) / this.width;
  }

  /** Makes what is in view `factor` times as long, around a pixel. */
  zoom(factor: number, x: number): void {
    const at = this.#from + (x / this.width) * (this.#to - this.#from);
    this.#set(at - (at - this.#from) * factor, at + (this.#to - at) * factor);
  }

  pan(pixels: number): void {
    const by = pixels * this.resolution;
    this.#set(this.#from + by, this.#to + by);
  }

  showRange(from: number, to: number): void {
    const start = this.#draw(from);
    const length = Math.max(this.#draw(to) - start, 0.5);
    this.#set(start - length * 0.1, start + length * 1.25);
  }

  #draw(time: number): number {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#segments[middle]!.to < time) low = middle + 1;
      else high = middle;
    }
    const segment = this.#segments[low];
    if (segment === undefined) return time;
    const part = (time - segment.from) / (segment.to - segment.from || 1);
    return segment.drawnFrom + part * (segment.drawnTo - segment.drawnFrom);
  }

  #set(from: number, to: number): void {
    const longest = this.#length * 1.2;
    const length = Math.min(Math.max(to - from, 0.2), longest);
    const middle = (from + to) / 2;
    const slack = length / 2;
    const start = Math.min(Math.max(middle - length / 2, -slack), this.#length - length + slack);
    this.#from = start;
    this.#to = start + length;
  }
}
