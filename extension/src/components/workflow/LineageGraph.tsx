import { Lineage, Round, Status } from '../../api/port';
import { Badge, Mark, SHAPES } from '../Badge';
import { shown } from '../plot';
import { STATUS_WORDS } from '../steps';
import { Explained } from '../Term';
import { FindingChanges } from './BeforeAfter';
import { worst } from './lineage';

const LANE = 20;
const ROW = 38;
const WIDTH = 260;
const LETTER = 6.6;

interface Place {
  round: Round;
  lane: number;
  row: number;
}

/** What was changed from round to round: a picture for the eye, and the same as a list with every figure. */
export function LineageGraph({ lineage }: { lineage: Lineage }) {
  return (
    <div className="jp-modelcompose-Lineage">
      <Picture lineage={lineage} />
      <ol aria-label="Rounds">
        {lineage.rounds.map(round => (
          <RoundItem key={round.id} round={round} lineage={lineage} />
        ))}
      </ol>
    </div>
  );
}

function Picture({ lineage }: { lineage: Lineage }) {
  const places = placesOf(lineage.rounds);
  const lanes = 1 + Math.max(...places.map(({ lane }) => lane));
  const text = lanes * LANE + 8;
  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${places.length * ROW}`}
      role="img"
      aria-label={inWords(lineage)}
    >
      {places.map(place => {
        const from = places.find(
          ({ round }) => round.id === place.round.parent
        );
        return from && <Edge key={place.round.id} from={from} to={place} />;
      })}
      {places.map(({ round, lane, row }) => (
        <g
          key={round.id}
          data-tone={tone(round)}
          data-best={round.id === lineage.best}
        >
          <title>{round.label}</title>
          <g transform={`translate(${x(lane) - 8},${y(row) - 8})`}>
            <circle cx={8} cy={8} r={7.25} />
            <path d={SHAPES[tone(round)]} />
          </g>
          <text x={text} y={y(row) - 1}>
            {cut(round.label, text)}
          </text>
          <text className="jp-mod-second" x={text} y={y(row) + 13}>
            {cut(facts(round), text)}
          </text>
        </g>
      ))}
    </svg>
  );
}

function Edge({ from, to }: { from: Place; to: Place }) {
  const [x1, y1, x2, y2] = [x(from.lane), y(from.row), x(to.lane), y(to.row)];
  const bend = Math.min(y1 + ROW / 2, y2);
  return (
    <path
      className="jp-mod-edge"
      d={`M${x1},${y1}C${x1},${bend} ${x2},${y1} ${x2},${bend}L${x2},${y2}`}
    >
      <title>{changesInWords(to.round)}</title>
    </path>
  );
}

function RoundItem({ round, lineage }: { round: Round; lineage: Lineage }) {
  const { parent, label, why, cost, formula, findings } = round;
  const before = lineage.rounds.find(({ id }) => id === parent);
  return (
    <li>
      <details>
        <summary>
          <Mark tone={tone(round)} />
          <span className="jp-modelcompose-Finding-line">
            <span className="jp-modelcompose-Finding-name">{label}</span>
            {round.id === lineage.best && <Badge tone="pass" text="Best" />}
          </span>
        </summary>
        {why && <p>{why}</p>}
        <p className="jp-modelcompose-small">
          {STATUS_WORDS[status(round)]}. <Explained text={facts(round)} />
          {cost && `. Cost: ${cost.replace(/\.$/, '')}`}.
        </p>
        {before && (
          <p className="jp-modelcompose-small">
            From “{before.label}”: {changesInWords(round)}
          </p>
        )}
        {formula && <code>{formula}</code>}
        {findings.length > 0 && <FindingChanges findings={findings} />}
      </details>
    </li>
  );
}

/** One row for each round; what was built on an earlier round once more stands in a lane of its own. */
function placesOf(rounds: Round[]): Place[] {
  const places: Place[] = [];
  let lanes = 0;
  rounds.forEach((round, row) => {
    const from = places.find(place => place.round.id === round.parent);
    const first = !rounds
      .slice(0, row)
      .some(({ parent }) => parent === round.parent);
    const lane = from && first ? from.lane : lanes++;
    places.push({ round, lane, row });
  });
  return places;
}

function x(lane: number): number {
  return lane * LANE + 10;
}

function y(row: number): number {
  return row * ROW + ROW / 2;
}

function cut(text: string, left: number): string {
  const most = Math.floor((WIDTH - left) / LETTER);
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function status({ verdicts }: Round): Status {
  return worst(Object.values(verdicts));
}

function tone(round: Round): Status | 'busy' {
  return round.status === 'running' ? 'busy' : status(round);
}

function facts({ model, elpd, elpd_se }: Round): string {
  const error = elpd_se === null ? '' : ` ± ${shown(elpd_se)}`;
  return elpd === null ? model : `${model} · elpd ${elpd.toFixed(1)}${error}`;
}

function changesInWords({ changes }: Round): string {
  const all = Object.entries(changes).map(
    ([name, value]) => `${name} = ${JSON.stringify(value)}`
  );
  return all.join(', ') || 'nothing was changed';
}

function inWords({ rounds, best }: Lineage): string {
  const label = (id: string) =>
    rounds.find(round => round.id === id)?.label ?? '';
  const sentences = rounds.map(round => {
    const from = label(round.parent);
    const after = from && `, after “${from}”`;
    const mark = STATUS_WORDS[status(round)].toLowerCase();
    return `“${round.label}”${after}: ${mark}.`;
  });
  return `${sentences.join(' ')} Best: “${label(best)}”.`;
}
