import { KeyboardEvent, MouseEvent, useRef, useState } from 'react';

import { shown } from '../plot';

const HEIGHT = 10;

/**
 * A row of bins on which chips are stacked.
 *
 * A click on a place stacks chips up to it, a click on the topmost chip takes it away. With the keyboard the arrows
 * up and down add and remove, left and right go to the next bin.
 */
export function Drawing(props: {
  edges: number[];
  chips: number[];
  onChange: (chips: number[]) => void;
}) {
  const { edges, chips, onChange } = props;
  const [current, setCurrent] = useState(0);
  const bins = useRef<(HTMLDivElement | null)[]>([]);
  const put = (bin: number, count: number) => {
    const next = Math.max(0, Math.min(HEIGHT, count));
    onChange(chips.map((old, at) => (at === bin ? next : old)));
  };
  const go = (bin: number) => {
    const next = Math.max(0, Math.min(chips.length - 1, bin));
    setCurrent(next);
    bins.current[next]?.focus();
  };
  const click = (event: MouseEvent<HTMLDivElement>, bin: number) => {
    const place = (event.target as HTMLElement).dataset.place;
    const count = place === undefined ? chips[bin]! + 1 : Number(place);
    setCurrent(bin);
    put(bin, count === chips[bin] ? count - 1 : count);
  };
  const press = (event: KeyboardEvent, bin: number) => {
    const moves: Record<string, () => void> = {
      ArrowUp: () => put(bin, chips[bin]! + 1),
      ArrowDown: () => put(bin, chips[bin]! - 1),
      Home: () => put(bin, 0),
      ArrowLeft: () => go(bin - 1),
      ArrowRight: () => go(bin + 1)
    };
    const move = moves[event.key];
    if (move) {
      event.preventDefault();
      move();
    }
  };
  const total = chips.reduce((sum, count) => sum + count, 0);
  return (
    <div className="jp-modelcompose-Drawing">
      <div
        role="group"
        aria-label="Chips: arrows up and down add and remove, left and right change the bin"
      >
        {chips.map((count, bin) => (
          <div
            key={bin}
            ref={element => void (bins.current[bin] = element)}
            role="slider"
            aria-orientation="vertical"
            aria-label={`between ${shown(edges[bin]!)} and ${shown(edges[bin + 1]!)}`}
            aria-valuemin={0}
            aria-valuemax={HEIGHT}
            aria-valuenow={count}
            aria-valuetext={`${count} chips`}
            tabIndex={bin === current ? 0 : -1}
            onFocus={() => setCurrent(bin)}
            onClick={event => click(event, bin)}
            onKeyDown={event => press(event, bin)}
          >
            {Array.from({ length: HEIGHT }, (_, place) => (
              <span
                key={place}
                data-place={HEIGHT - place}
                data-chip={HEIGHT - place <= count}
              />
            ))}
          </div>
        ))}
      </div>
      <p className="jp-modelcompose-Drawing-ends" aria-hidden="true">
        <span>{shown(edges[0]!)}</span>
        <span>{shown(edges.at(-1)!)}</span>
      </p>
      <p className="jp-modelcompose-small">{total} chips placed.</p>
    </div>
  );
}
