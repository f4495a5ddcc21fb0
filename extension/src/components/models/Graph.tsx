import { GraphNode, ModelGraph } from '../../api/port';

const BOX = { width: 92, height: 24 };
const GAP = { x: 8, y: 30 };
const LETTERS = 14;
const ROW = 3;

/** What depends on what, in layers: what depends on nothing stands on top. */
export function Graph({ graph }: { graph: ModelGraph }) {
  const layers = layersOf(graph);
  const most = Math.max(1, ...layers.map(layer => layer.length));
  const width = most * (BOX.width + GAP.x) + GAP.x;
  const height = layers.length * (BOX.height + GAP.y) - GAP.y + 4;
  const places = new Map(
    layers.flatMap((layer, depth) =>
      layer.map((node, at) => {
        const x = ((at + 0.5) * width) / layer.length;
        return [node.id, { x, y: depth * (BOX.height + GAP.y) + 2 }] as const;
      })
    )
  );
  return (
    <div className="jp-modelcompose-Graph" tabIndex={0}>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        style={{ minWidth: Math.min(width, most * 70), maxWidth: width }}
        role="img"
        aria-label={inWords(graph)}
      >
        {graph.edges.map(([from, to]) => {
          const [start, end] = [places.get(from), places.get(to)];
          return (
            start &&
            end && (
              <Arrow
                key={`${from} ${to}`}
                x1={start.x}
                y1={start.y + BOX.height}
                x2={end.x}
                y2={end.y}
              />
            )
          );
        })}
        {layers.flat().map(node => (
          <Node key={node.id} node={node} {...places.get(node.id)!} />
        ))}
      </svg>
    </div>
  );
}

function Node(props: { node: GraphNode; x: number; y: number }) {
  const { node, x, y } = props;
  const { label, role } = node;
  const short =
    label.length > LETTERS ? `${label.slice(0, LETTERS - 1)}…` : label;
  return (
    <g data-role={role}>
      <title>{label}</title>
      <rect
        x={x - BOX.width / 2}
        y={y}
        width={BOX.width}
        height={BOX.height}
        rx={role === 'data' || role === 'outcome' ? 2 : BOX.height / 2}
      />
      <text x={x} y={y + BOX.height / 2 + 4} textAnchor="middle">
        {short}
      </text>
    </g>
  );
}

function Arrow(props: { x1: number; y1: number; x2: number; y2: number }) {
  const { x1, y1, x2, y2 } = props;
  const angle = Math.atan2(y2 - y1, x2 - x1);
  const [back, side] = [6, 3];
  const point = (sign: number) =>
    `${(x2 - back * Math.cos(angle) + sign * side * Math.sin(angle)).toFixed(1)},` +
    `${(y2 - back * Math.sin(angle) - sign * side * Math.cos(angle)).toFixed(1)}`;
  return (
    <>
      <line x1={x1} y1={y1} x2={x2} y2={y2} />
      <path d={`M${x2},${y2}L${point(1)}L${point(-1)}Z`} />
    </>
  );
}

/** Every node one layer below the lowest of those that it depends on. */
export function layersOf({ nodes, edges }: ModelGraph): GraphNode[][] {
  const depths = new Map<string, number>();
  const depth = (id: string, above: string[]): number => {
    const known = depths.get(id);
    if (known !== undefined) {
      return known;
    }
    const parents = edges
      .filter(([from, to]) => to === id && !above.includes(from) && from !== id)
      .map(([from]) => depth(from, [...above, id]) + 1);
    const found = Math.max(0, ...parents);
    depths.set(id, found);
    return found;
  };
  const layers: GraphNode[][] = [];
  for (const { id } of nodes) {
    depth(id, []);
  }
  for (const node of nodes) {
    const below = edges.flatMap(([from, to]) =>
      from === node.id ? [depths.get(to) ?? 0] : []
    );
    const lowest = Math.max(0, Math.min(...below) - 1);
    const own = depths.get(node.id) ?? 0;
    // What depends on nothing stands close to what depends on it.
    const at = own === 0 && below.length > 0 ? lowest : own;
    (layers[at] ??= []).push(node);
  }
  return Array.from(layers, layer => layer ?? []).flatMap(rows);
}

/** A layer as rows of a few: a narrow picture can be read. */
function rows(layer: GraphNode[]): GraphNode[][] {
  const count = Math.ceil(layer.length / ROW);
  const size = Math.ceil(layer.length / count);
  return Array.from({ length: count }, (_, at) =>
    layer.slice(at * size, (at + 1) * size)
  );
}

function inWords({ nodes, edges }: ModelGraph): string {
  const label = (id: string) => nodes.find(node => node.id === id)?.label ?? id;
  const sentences = nodes.flatMap(node => {
    const from = edges.filter(([, to]) => to === node.id);
    return from.length > 0
      ? [
          `${node.label} depends on ${from.map(([id]) => label(id)).join(', ')}.`
        ]
      : [];
  });
  return sentences.join(' ') || 'Nothing depends on anything.';
}
