type Child = Node | string | null | undefined;
type Handler = (event: never) => void;

/**
 * Makes an element. Text always becomes a text node, so whatever a trace holds stays text. A name that starts with
 * `on` is an event listener; `class` and the others are attributes.
 */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Record<string, string | boolean | Handler | undefined> = {},
  ...children: (Child | Child[])[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') made.addEventListener(name.slice(2), value as EventListener);
    else made.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat()) if (child != null) made.append(child);
  return made;
}

const svgNamespace = 'http://www.w3.org/2000/svg';

export function svg(tag: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(svgNamespace, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/** Runs `step` once before the next frame, however often it is asked for. */
export function onNextFrame(step: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      step();
    });
  };
}

/** Movements shorter than this are part of a click, pixels. */
const clickSlack = 4;

/**
 * Calls back with pointer movements from a press on `target` until it is released, once the pointer has moved far
 * enough that the press is no click; `end` follows then only.
 */
export function onDrag(
  target: HTMLElement,
  start: (event: PointerEvent) => ((event: PointerEvent) => void) | undefined,
  end: (event: PointerEvent) => void = () => {},
): void {
  target.addEventListener('pointerdown', (pressed) => {
    if (pressed.button !== 0) return;
    const move = start(pressed);
    if (move === undefined) return;
    let isDragging = false;
    const follow = (event: PointerEvent) => {
      if (!isDragging) {
        if (Math.abs(event.clientX - pressed.clientX) < clickSlack) return;
        isDragging = true;
        target.setPointerCapture(pressed.pointerId);
      }
      move(event);
    };
    const finish = (event: PointerEvent) => {
      target.removeEventListener('pointermove', follow);
      target.removeEventListener('pointerup', finish);
      target.removeEventListener('pointercancel', finish);
      if (isDragging) end(event);
    };
    target.addEventListener('pointermove', follow);
    target.addEventListener('pointerup', finish);
    target.addEventListener('pointercancel', finish);
  });
}
