import { ChainProgress, Sampling } from '../api/port';

/** How far sampling has come: one bar for all chains, one thin bar for each. */
export function Progress({ sampling }: { sampling: Sampling }) {
  const { finished, total, chains } = sampling;
  const percent = total > 0 ? Math.round((100 * finished) / total) : 0;
  return (
    <div className="jp-modelcompose-Progress">
      <div
        className="jp-modelcompose-Progress-bar"
        role="progressbar"
        aria-label="Sampling"
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuetext={`${percent} percent, ${remaining(sampling)}`}
      >
        <div style={{ width: `${percent}%` }} />
      </div>
      <p className="jp-modelcompose-small">
        {finished.toLocaleString('en')} of {total.toLocaleString('en')} draws ·{' '}
        {remaining(sampling)}
        {sampling.divergences > 0 && ` · ${sampling.divergences} divergences`}
      </p>
      <div className="jp-modelcompose-Progress-chains" aria-hidden="true">
        {chains.map((chain, index) => (
          <Chain key={index} number={index + 1} chain={chain} />
        ))}
      </div>
    </div>
  );
}

function Chain({ number, chain }: { number: number; chain: ChainProgress }) {
  const share = chain.total > 0 ? chain.draws / chain.total : 0;
  const phase = chain.tuning ? 'warming up' : 'sampling';
  return (
    <span
      title={`Chain ${number}: ${phase}, ${chain.draws} of ${chain.total}`}
      data-tuning={chain.tuning}
    >
      <span style={{ width: `${100 * share}%` }} />
    </span>
  );
}

function remaining({ seconds, left }: Sampling): string {
  return left === null
    ? `${duration(seconds)} so far`
    : `${duration(left)} left`;
}

export function duration(seconds: number): string {
  if (seconds < 60) {
    return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  }
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
